-- The files in the prefix. A later prepare depends on an earlier one: it must be able to read its .kong_env,
-- the certificate that .kong_env names, and ssl/ffdhe2048.pem, which is never written twice (facts of 3.4.2
-- and 3.9.3).
local shell = require("stand_in.shell")
local settings = require("stand_in.settings")

local prefix = {}

local function run(format, ...)
  local status, output = shell.run(format, ...)
  if status ~= 0 then shell.fail("%s", output:gsub("%s+$", "")) end
end

function prefix.make(conf)
  local path = conf.prefix
  if not shell.exists(path) then
    io.stdout:write("prefix directory ", path, " not found, trying to create it\n")
    run("mkdir -p %s", path)
  end
  if shell.run("test -d %s", path) ~= 0 then shell.fail("%s is not a directory", path) end
  if shell.exists(path .. "/.kong_env") then
    settings.check_certificate(settings.read_conf(path .. "/.kong_env"), "ssl_cert")
  end
  -- An existing log is left alone: it may be a link to a stream.
  run("cd %s && mkdir -p logs pids ssl sockets && " ..
    "for log in access admin_access error; do [ -e logs/$log.log ] || : >logs/$log.log || exit 1; done", path)
end

-- For the tests: what this prepare was given.
function prefix.record(conf, invocation)
  for _, name in ipairs({ "status", "environ", "argv" }) do
    shell.write(conf.prefix .. "/stand-in." .. name, shell.read(invocation.directory .. "/" .. name))
  end
end

-- A certificate for this machine, and the parameters of RFC 7919; existing files are kept.
local function make_ssl(conf)
  local directory = conf.prefix .. "/ssl"
  if not conf.ssl_cert then
    conf.ssl_cert, conf.ssl_cert_key = directory .. "/kong-default.crt", directory .. "/kong-default.key"
    if not shell.exists(conf.ssl_cert) then
      run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 " ..
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 -keyout %s -out %s",
        conf.ssl_cert_key, conf.ssl_cert)
    end
  end
  for _, name in ipairs({ "ssl_cert", "ssl_cert_key" }) do
    if conf[name]:match("^%-%-%-%-%-BEGIN") then
      shell.write(directory .. "/" .. name .. ".pem", "")
      run("chmod 600 %s", directory .. "/" .. name .. ".pem")
      shell.write(directory .. "/" .. name .. ".pem", conf[name] .. "\n")
      conf[name] = directory .. "/" .. name .. ".pem"
    end
  end
  conf.ssl_dhparam = directory .. "/ffdhe2048.pem"
  if not shell.exists(conf.ssl_dhparam) then
    run("openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out %s", conf.ssl_dhparam)
  end
end

local function has_ssl(conf)
  for name, list in pairs(conf) do
    for _, listener in ipairs(name:match("_listeners$") and list or {}) do
      if listener.flags.ssl then return true end
    end
  end
  return #conf.cluster_listeners > 0
end

function prefix.fill(conf)
  if has_ssl(conf) then make_ssl(conf) end
end

-- The current settings, secrets included, for the owner and its group. Only after a successful `nginx -t`.
function prefix.write_environment(conf)
  local lines = {}
  for name, value in pairs(conf) do
    if type(value) == "string" then
      table.insert(lines, name .. " = " .. value:gsub("#", "\\#"):gsub("\n", "\\\n") .. "\n")
    end
  end
  table.sort(lines)
  local path = conf.prefix .. "/.kong_env"
  os.remove(path)
  shell.write(path, "")
  run("chmod 640 %s", path)
  shell.write(path, table.concat(lines))
end

return prefix
