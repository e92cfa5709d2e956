-- With KONG_DATABASE=postgres and psql in PATH, `migrations` and `prepare` connect to the database that
-- KONG_PG_HOST, _PORT, _USER, _PASSWORD and _DATABASE name. Its table schema_meta shows whether it is
-- bootstrapped. Without psql nothing connects: `migrations` prints its arguments, `prepare` continues.
local ffi = require("ffi")
local shell = require("stand_in.shell")

ffi.cdef("int setenv(const char *name, const char *value, int overwrite);")

local database = {}

function database.is_used(conf)
  return rawget(conf, "database") == "postgres" and shell.run("command -v psql") == 0
end

-- Returns the answer to a statement. Ends with Kong's message if the server is unreachable or refuses.
local function ask(conf, statement)
  -- Not on the command line, where everybody could read it.
  ffi.C.setenv("PGPASSWORD", conf.pg_password or "", 1)
  local status, answer = shell.run("PGCONNECT_TIMEOUT=5 psql --no-psqlrc --no-password --quiet " ..
    "--tuples-only --no-align --host %s --port %s --username %s --dbname %s --command %s",
    conf.pg_host or "127.0.0.1", conf.pg_port or "5432", conf.pg_user or "kong", conf.pg_database or "kong", statement)
  if status ~= 0 then
    shell.fail("[PostgreSQL error] failed to retrieve PostgreSQL server_version_num: %s", answer)
  end
  return (answer:gsub("\n$", ""))
end

local function is_bootstrapped(conf)
  return ask(conf, "SELECT to_regclass('schema_meta') IS NOT NULL") == "t"
end

-- Kong itself says this a little later, when nginx runs its init_by_lua; nginx then ends.
local function check(conf)
  if not is_bootstrapped(conf) then
    shell.fail("Database needs bootstrapping or is older than Kong 1.0.\n\n" ..
      "  To start a new installation from scratch, run 'kong migrations bootstrap'.")
  end
end

function database.check(conf)
  if database.is_used(conf) then check(conf) end
end

function database.migrate(conf, command)
  if command == "bootstrap" then
    if is_bootstrapped(conf) then
      io.stdout:write("Database already bootstrapped\n")
      return
    end
    io.stdout:write("Bootstrapping database...\n")
    ask(conf, "CREATE TABLE schema_meta (key text PRIMARY KEY, subsystem text NOT NULL)")
    ask(conf, "INSERT INTO schema_meta VALUES ('schema_meta', 'core')")
    io.stdout:write("Database is up-to-date\n")
  elseif command == "up" or command == "finish" then
    check(conf)
    io.stdout:write("Database is already up-to-date\n")
  elseif command == "list" then
    check(conf)
    io.stdout:write("Executed migrations:\n", ask(conf, "SELECT subsystem FROM schema_meta"), "\n")
  else
    shell.fail("no such migrations command: %s", command or "")
  end
end

return database
