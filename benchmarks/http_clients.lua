-- What wrk sends: each request another text to another number. Arguments: form, batch size, first number.
-- Forms: send (send.php), one and batch (POST /v1/messages), kannel (sendsms).
local form, size, n
local bad = 0

function setup(thread)
  thread:set("place", counter or 0)
  counter = (counter or 0) + 1
  threads = threads or {}
  table.insert(threads, thread)
end

function init(args)
  form, size, n = args[1], tonumber(args[2]), tonumber(args[3]) + place * 5000000
  bad_count = 0
end

local function message()
  n = n + 1
  return string.format('{"to":"+7999%07d","text":"Your code is %08d"}', n % 10000000, n)
end

function request()
  if form == "send" then
    n = n + 1
    local body = string.format(
      "login=bench&psw=bench-on&fmt=3&charset=utf-8&phones=7999%07d&mes=Your+code+is+%08d", n % 10000000, n)
    return wrk.format("POST", "/sys/send.php", { ["Content-Type"] = "application/x-www-form-urlencoded" }, body)
  elseif form == "kannel" then
    n = n + 1
    return wrk.format("GET", string.format(
      "/cgi-bin/sendsms?username=bench&password=bench-on&from=bench&to=7999%07d&text=Your+code+is+%08d", n % 10000000, n))
  end
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Basic YmVuY2g6YmVuY2gtb24=" }
  local body
  if form == "one" then
    body = message()
  else
    local all = {}
    for place = 1, size do all[place] = message() end
    body = '{"messages":[' .. table.concat(all, ",") .. "]}"
  end
  return wrk.format("POST", "/v1/messages", headers, body)
end

function response(status, headers, body)
  local good = (form == "kannel" and status == 202) or (form == "send" and status == 200 and body:find('"cnt"', 1, true))
    or (form == "one" and status == 202) or (form == "batch" and status == 202 and body:find('"refused":0', 1, true))
  if not good then bad_count = bad_count + 1 end
end

function done(summary, latency, requests)
  for _, thread in ipairs(threads) do bad = bad + (thread:get("bad_count") or 0) end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %.3f, "bad": %d, "lost": %d, "p50_ms": %.2f, "p99_ms": %.2f}\n',
    summary.requests, summary.duration / 1e6, bad, lost, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
