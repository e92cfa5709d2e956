-- The nginx configuration. Every server answers with a line that names its setting.
local shell = require("stand_in.shell")
local listeners = require("stand_in.listeners")

-- The directives that nginx_SECTION_* settings add to a block. An empty setting adds nothing.
local function injected(conf, section)
  local lines = {}
  for key, value in pairs(conf) do
    local name = key:match("^nginx_" .. section .. "_(.+)$")
    if name and not (section == "main" and (name == "daemon" or name == "worker_processes")) then
      table.insert(lines, name .. " " .. value .. ";\n")
    end
  end
  table.sort(lines)
  return table.concat(lines)
end

local function listen(parameter) return "    listen " .. parameter .. ";\n" end

local function listens(list, keeps, hidden, suffix)
  local lines = {}
  for _, listener in ipairs(list) do
    if keeps == nil or keeps == (listener.flags.ssl or false) then
      table.insert(lines, listen(listeners.parameter(listener, hidden) .. (suffix or "")))
    end
  end
  return table.concat(lines)
end

local function socket(conf, name) return "unix:" .. conf.prefix .. "/sockets/" .. name end

local function certificate(conf)
  return string.format('    ssl_certificate "%s";\n    ssl_certificate_key "%s";\n', conf.ssl_cert, conf.ssl_cert_key)
end

-- The worker's own view of its credentials, if nginx has Lua.
local worker_location = [[
    location = /worker {
        default_type text/plain;
        content_by_lua_block {
            -- a brace } in a comment, and one in a string: "{"
            for line in io.lines("/proc/self/status") do ngx.say(line) end
        }
    }
]]

local function http_server(conf, name, section, extra)
  local list = conf[name .. "_listeners"]
  if #list == 0 then return "" end
  -- Cluster listeners speak TLS, though the setting does not say so.
  local lines = name == "cluster" and listens(list, nil, "ssl", " ssl") or listens(list)
  return table.concat({
    "server {\n    server_name kong_", name, ";\n", lines,
    lines:find(" ssl") and certificate(conf) or "",
    injected(conf, section), extra or "",
    '    location / {\n        default_type text/plain;\n        return 200 "kong stand-in (', name,
    ') at $server_addr:$server_port, worker process $pid\\n";\n    }\n', worker_location, "}\n",
  })
end

local function http(conf, logs)
  return table.concat({
    "access_log ", conf.proxy_access_log or logs.access, ";\n",
    "client_body_temp_path client_body_temp;\nproxy_temp_path proxy_temp;\nfastcgi_temp_path fastcgi_temp;\n",
    "uwsgi_temp_path uwsgi_temp;\nscgi_temp_path scgi_temp;\n",
    conf.ssl_dhparam and 'ssl_dhparam "' .. conf.ssl_dhparam .. '";\n' or "",
    "include 'nginx-kong-inject.conf';\n",
    http_server(conf, "proxy", "proxy"),
    http_server(conf, "admin", "admin", "access_log " .. (conf.admin_access_log or logs.admin_access) .. ";\n"),
    http_server(conf, "status", "status"),
    #conf.admin_gui_listeners > 0 and "include 'nginx-kong-gui-include.conf';\n" or "",
    http_server(conf, "cluster", "cluster"),
    -- The workers talk to each other through it.
    "server {\n    server_name kong_worker_events;\n", listen('"' .. socket(conf, "we") .. '"'),
    "    access_log off;\n}\n",
  })
end

-- TLS ends in a separate server, behind the one that has the listeners.
local function stream(conf)
  local list = conf.stream_listeners
  local plain, tls = listens(list, false), listens(list, true, "ssl")
  local answer = '    return "kong stand-in (stream) at $server_addr:$server_port, worker process $pid\\n";\n'
  local servers = { "include 'nginx-kong-stream-inject.conf';\n" }
  local function server(...) table.insert(servers, "server {\n" .. table.concat({ ... }) .. "}\n") end
  if #list > 0 then
    local ends_tls = tls ~= "" and listen(socket(conf, "st") .. " ssl proxy_protocol") .. certificate(conf) or ""
    server(plain, ends_tls, injected(conf, "sproxy"), answer)
    if tls ~= "" then
      server(tls, "    proxy_protocol on;\n    proxy_pass ", socket(conf, "st"), ";\n")
      server(listen(socket(conf, "sp") .. " proxy_protocol"), answer)
    end
    if conf.role ~= "control_plane" then server(listen(socket(conf, "sc")), answer) end
    server(listen(socket(conf, "rp")), answer)
  end
  server(listen(socket(conf, "sw")), answer)
  return table.concat(servers)
end

-- The first directory of nginx modules that has all of them.
local function load_modules(...)
  for _, directory in ipairs({ "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules" }) do
    local lines = {}
    for _, name in ipairs({ ... }) do
      if shell.exists(directory .. "/" .. name) then
        table.insert(lines, "load_module " .. directory .. "/" .. name .. ";\n")
      end
    end
    if #lines == select("#", ...) then return table.concat(lines) end
  end
  return ""
end

local template = [[
${{MODULES}}pid pids/nginx.pid;
daemon ${{NGINX_DAEMON}};
worker_processes ${{NGINX_WORKER_PROCESSES}};
error_log ${{PROXY_ERROR_LOG}} ${{LOG_LEVEL}};
include 'nginx-inject.conf';

events {
${{EVENTS}}}
]]

local http_block = "\nhttp {\n    include 'nginx-kong.conf';\n}\n"
local stream_block = "\nstream {\n    include 'nginx-kong-stream.conf';\n}\n"

-- In a template, ${{NAME}} is a setting; lines of Lua, after ">", are skipped.
local function nginx_conf(conf, logs, custom)
  local text = custom and shell.read(custom):gsub("%f[^\n%z]>[^\n]*", "") or template
  local has_http = #conf.proxy_listeners + #conf.admin_listeners + #conf.status_listeners + #conf.cluster_listeners > 0
  if not custom then
    text = text .. (has_http and http_block or "") .. (#conf.stream_listeners > 0 and stream_block or "")
    if conf.wasm == "on" then text = text .. "\nwasm {}\n" end -- unknown to an nginx without that module
  end
  local modules = load_modules("ngx_stream_module.so") .. load_modules("ndk_http_module.so", "ngx_http_lua_module.so")
  local values = {
    MODULES = modules,
    NGINX_DAEMON = conf.nginx_main_daemon,
    NGINX_WORKER_PROCESSES = conf.nginx_main_worker_processes,
    PROXY_ERROR_LOG = conf.proxy_error_log or logs.errors,
    EVENTS = conf.nginx_events_worker_connections and injected(conf, "events")
      or "worker_connections 256;\n" .. injected(conf, "events"),
  }
  text = text:gsub("%${{([%u%d_]+)}}", function(name) return values[name] or conf[name:lower()] or "" end)
  -- Kong's nginx has these modules built in.
  return custom and modules .. text or text
end

local log_files = {
  files = { access = "logs/access.log", admin_access = "logs/admin_access.log", errors = "logs/error.log" },
  streams = { access = "/dev/stdout", admin_access = "/dev/stdout", errors = "/dev/stderr" },
}

local configuration = {}

function configuration.write(conf, environment, custom)
  local choice = environment.STAND_IN_LOGS or "streams"
  local logs = log_files[choice] or shell.fail("STAND_IN_LOGS=%s is unknown", choice)
  local files = {
    ["nginx-inject.conf"] = injected(conf, "main"),
    ["nginx-kong-inject.conf"] = injected(conf, "http"),
    ["nginx-kong-stream-inject.conf"] = injected(conf, "stream"),
    ["nginx-kong-gui-include.conf"] = http_server(conf, "admin_gui", "admin_gui"),
    ["nginx-kong.conf"] = http(conf, logs),
    ["nginx-kong-stream.conf"] = stream(conf),
    ["nginx.conf"] = nginx_conf(conf, logs, custom),
  }
  for name, text in pairs(files) do shell.write(conf.prefix .. "/" .. name, text) end
end

return configuration
