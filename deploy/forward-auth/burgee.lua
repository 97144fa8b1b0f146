-- Forward-auth for HAProxy: asks burgee what the features of this request are, and sets its headers.
-- In: a request whose X-Feature-* fields were deleted. Out: the same request with burgee's; without, where burgee does not answer.

local ASK = "http://127.0.0.1:3527/authz"
local PATIENCE = 250 -- ms
-- what belongs to the one connection, not to the question
local OURS = { ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["upgrade"] = true, ["host"] = true,
    ["x-forwarded-method"] = true, ["x-forwarded-host"] = true, ["x-forwarded-uri"] = true }

-- HAProxy counts values from 0, and its client takes them from 1
local function described(txn)
    local fields = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not OURS[name] then
            local list = {}
            for index = 0, #values do list[index + 1] = values[index] end
            fields[name] = list
        end
    end
    fields["x-forwarded-method"] = { txn.f:method() }
    fields["x-forwarded-host"] = { txn.f:req_fhdr("host") or "" }
    fields["x-forwarded-uri"] = { txn.f:pathq() }
    return fields
end

core.register_action("burgee", { "http-req" }, function(txn)
    local answer = core.httpclient():get({ url = ASK, headers = described(txn), timeout = PATIENCE })
    if not answer or answer.status ~= 200 then return end
    for name, values in pairs(answer.headers) do
        if name:find("^x%-feature%-") then
            txn.http:req_set_header(name, values[0])
        end
    end
end, 0)
