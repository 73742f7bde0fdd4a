-- Asks Poolgate's forward-auth listener about a request, and writes the identity into it or responds with the refusal.

-- What an admission may tell the service. A row's `header_profile` and `claim_headers` add names.
local identity = {
    "x-poolgate-subject", "x-poolgate-tenant", "x-poolgate-pool", "x-poolgate-client", "x-poolgate-principal",
    "x-poolgate-assertion", "x-forwarded-user", "x-forwarded-groups", "x-forwarded-email",
}

-- What a refusal may tell the client.
local told = {
    "content-type", "cache-control", "www-authenticate", "retry-after", "allow", "vary", "access-control-allow-origin",
    "access-control-allow-credentials", "access-control-expose-headers", "x-request-id",
}

-- What frames the client's message or belongs to its connection is no part of the question.
local omitted = {
    ["host"] = true, ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["te"] = true,
    ["trailer"] = true, ["expect"] = true, ["upgrade"] = true, ["keep-alive"] = true, ["proxy-connection"] = true,
}

-- The value of `caller-secret`, where HAProxy's address is not among `trusted-callers`.
local secret = nil

local function question(txn)
    local fields = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not omitted[name] then
            fields[name] = {}
            for index = 0, #values do
                if values[index] then table.insert(fields[name], values[index]) end
            end
        end
    end
    fields["x-forwarded-method"] = { txn.sf:method() }
    fields["x-forwarded-host"] = { txn.sf:req_fhdr("host") }
    fields["x-forwarded-uri"] = { txn.sf:pathq() }
    if secret then fields["x-poolgate-caller"] = { secret } end
    return fields
end

local function refuse(txn, status, fields, body)
    local reply = txn:reply { status = status }
    for _, name in ipairs(told) do
        for _, value in pairs(fields[name] or {}) do reply:add_header(name, value) end
    end
    reply:set_body(body or "")
    txn:done(reply)
end

core.register_action("poolgate", { "http-req" }, function(txn)
    -- The time is longer than that of the backend, which makes it a 504; at its own the client would ask three times more.
    local response = core.httpclient():get {
        url = "http://poolgate/forward-auth", dst = "abns@poolgate-questions", headers = question(txn), timeout = 10000,
    }
    local fields = response and response.headers or {}
    if not response or response.status ~= 200 then
        local status = response and response.status or 0
        return refuse(txn, status >= 400 and status or 503, fields, response and response.body)
    end
    for _, name in ipairs(identity) do
        txn.http:req_del_header(name)
        local values = fields[name]
        if values then txn.http:req_set_header(name, values[0] or values[1]) end
    end
    txn:set_var("txn.poolgate", "admitted")
end, 0)
