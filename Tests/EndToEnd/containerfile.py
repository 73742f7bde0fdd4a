"""Carries out the steps of a Containerfile in folders, where no container engine is: FROM, RUN, COPY, WORKDIR, ENV, USER
and what only describes an image."""

import dataclasses
import pathlib
import shlex
import shutil
import subprocess


@dataclasses.dataclass
class Image:
    """What a stage ends as. `path` is the folder of its files."""
    path: pathlib.Path
    environment: dict
    user: str = "0:0"
    entry: tuple = ()
    command: tuple = ()
    #: What says by its exit status how a running container is.
    check: tuple = ()
    folder: str = "/"


def instructions(path):
    """Each instruction with its arguments, as one line; comments and continuations are gone."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def is_list(text):
    return text.startswith("[")


def words(text):
    return tuple(word.strip("\"' ") for word in text.strip("[]").split(",")) if is_list(text) else tuple(shlex.split(text))


class Builder:
    """`bases` makes the folder that a stage begins as, by the name after FROM; `context` is where COPY takes files from.
    `made` are stages that somebody else carried out, by their names."""

    def __init__(self, path, context, bases, made):
        self.path, self.context, self.bases, self.stages = path, pathlib.Path(context), bases, dict(made)

    def build(self):
        """The last stage."""
        image, skipped = None, False
        for name, text in instructions(self.path):
            if name == "FROM":
                base, _, stage = text.partition(" AS ")
                skipped = stage in self.stages
                if not skipped:
                    image = Image(self.bases(base.strip()), {})
                    self.stages[stage or "last"] = image
            elif not skipped:
                getattr(self, f"do_{name.lower()}")(image, text)
        return image

    def do_run(self, image, text):
        done = subprocess.run(
            ["chroot", str(image.path), "/bin/sh", "-ec", f"cd {image.folder}; {text}"], capture_output=True, text=True,
            timeout=120, env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **image.environment})
        assert done.returncode == 0, f"RUN {text}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def do_copy(self, image, text):
        *sources, target = shlex.split(text)
        source = self.context
        if sources[0].startswith("--from="):
            source = self.stages[sources.pop(0).removeprefix("--from=")].path
        for name in sources:
            self._copy(source / name.lstrip("/"), image.path / target.lstrip("/"))

    @staticmethod
    def _copy(source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
        else:
            shutil.copy(source, target)

    def do_workdir(self, image, text):
        image.folder = text

    def do_env(self, image, text):
        image.environment |= dict(pair.split("=", 1) for pair in shlex.split(text))

    def do_user(self, image, text):
        image.user = text

    def do_entrypoint(self, image, text):
        image.entry = words(text)

    def do_cmd(self, image, text):
        image.command = words(text)

    def do_healthcheck(self, image, text):
        image.check = words(text.partition(" CMD ")[2])

    def do_expose(self, image, text):
        pass

    do_stopsignal = do_expose
