-- Programs run by the shell, and files: as in Kong's Lua.
local shell = { directory = "/tmp" }

-- Ends the command as Kong does.
function shell.fail(format, ...)
  io.stdout:flush()
  io.stderr:write("Error: ", string.format(format, ...),
    "\n\n  Run with --v (verbose) or --vv (debug) for more details\n")
  os.exit(1)
end

-- FORMAT with each %s quoted for the shell.
local function command_line(format, ...)
  local words = {}
  for index, word in ipairs({ ... }) do
    words[index] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end
  return string.format(format, unpack(words))
end

-- The exit status, or the signal that ended it, as from system(3) in a LuaJIT like Kong's. Output goes where
-- this process prints.
function shell.pass(format, ...)
  io.stdout:flush()
  local status = os.execute(command_line(format, ...))
  return status > 255 and math.floor(status / 256) or status
end

-- The same, and everything that was printed.
function shell.run(format, ...)
  local file = shell.directory .. "/output"
  local status = shell.pass("exec >%s 2>&1; " .. format, file, ...)
  return status, shell.read(file)
end

function shell.exists(path)
  return shell.run("test -e %s", path) == 0
end

-- PATH without a "/" at its end, from this directory if it is relative.
function shell.absolute(path)
  if path:sub(1, 1) ~= "/" then
    local _, directory = shell.run("pwd")
    path = directory:gsub("/*\n$", "/") .. path
  end
  return path:match("^(.-)/*$")
end

function shell.read(path)
  local file, reason = io.open(path, "rb")
  if not file then shell.fail("%s", reason) end
  local text = file:read("*a")
  file:close()
  return text
end

function shell.write(path, text)
  local file, reason = io.open(path, "wb")
  if not file then shell.fail("could not write: %s", reason) end
  if not (file:write(text) and file:close()) then shell.fail("could not write %s", path) end
end

return shell
