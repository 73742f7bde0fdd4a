"""A real Envoy: in front of the gateway by HTTP/2, and behind it."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from processes import TOP, connects, free_port, stop, wait_until


def manager(routes):
    """A listener's filter that speaks what its client speaks."""
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test", "codec_type": "AUTO", "route_config": {"virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **routes}]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}


class Envoy:
    """Listens at `port` for clients of the gateway at `gateway_port`, which it asks by HTTP/2, and at `behind` for the
    gateway, to which it answers by itself."""

    def __init__(self, gateway_port):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="envoy-"))
        self.port, self.behind = free_port(), free_port()
        options = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}}
        answer = {"direct_response": {"status": 200, "body": {"inline_string": "envoy says"}}}
        configuration = {"static_resources": {
            "listeners": [
                self.listener("front", self.port, manager({"route": {"cluster": "gateway", "timeout": "30s"}})),
                self.listener("behind", self.behind, manager(answer))],
            "clusters": [{
                "name": "gateway", "type": "STATIC", "typed_extension_protocol_options": options,
                "load_assignment": {"cluster_name": "gateway", "endpoints": [{"lb_endpoints": [{"endpoint": {
                    "address": self.address(gateway_port)}}]}]}}]}}
        (self.folder / "envoy.json").write_text(json.dumps(configuration))
        beside = TOP / ".venv/bin/envoy"
        self.process = subprocess.Popen(
            [str(beside) if beside.exists() else "envoy", "-c", str(self.folder / "envoy.json"), "--concurrency", "1",
             "--use-dynamic-base-id", "--log-level", "error"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: connects(self.port) and connects(self.behind), 30, "Envoy")

    @staticmethod
    def address(port):
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    def listener(self, name, port, chain):
        return {"name": name, "address": self.address(port), "filter_chains": [{"filters": [chain]}]}

    def remove(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
