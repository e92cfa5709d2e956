-- The value of a *_listen setting, as the parser of 3.9.3 reads it (Tests/kong/records/listen-values.json).

-- Lua patterns of flags, in the order in which they are written.
local flags = {
  http = { "ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport", "backlog=%d+",
    "ipv6only=on", "ipv6only=off", "so_keepalive=on", "so_keepalive=off", "so_keepalive=%w*:%w*:%d*" },
  stream = { "udp", "ssl", "proxy_protocol", "bind", "reuseport", "backlog=%d+",
    "ipv6only=on", "ipv6only=off", "so_keepalive=on", "so_keepalive=off", "so_keepalive=%w*:%w*:%d*" },
}

local function form(subsystem)
  local known = {}
  for _, flag in ipairs(flags[subsystem]) do table.insert(known, "[" .. flag .. "]") end
  return "must be of form: [off] | <ip>:<port> " .. table.concat(known, " ") .. ", [... next entry ...]"
end

-- Eight groups of four digits, or nil.
local function full_ipv6(text)
  local function groups(part)
    local found = {}
    if part == "" then return found end
    for group in (part .. ":"):gmatch("([^:]*):") do
      if not group:match("^%x%x?%x?%x?$") then return nil end
      table.insert(found, ("0"):rep(4 - #group) .. group:lower())
    end
    return found
  end
  local before, after = text:match("^(.-)::(.*)$")
  local head, tail = groups(before or text), groups(after or "")
  if not (head and tail) then return nil end
  local missing = 8 - #head - #tail
  if before and missing < 1 or not before and missing ~= 0 then return nil end
  for _ = 1, missing do table.insert(head, "0000") end
  for _, group in ipairs(tail) do table.insert(head, group) end
  return table.concat(head, ":")
end

-- An address with its port in its written form, or nil.
local function normalized(address)
  local _, colons = address:gsub(":", "")
  if colons > 1 then
    local host, port = address:match("^%[(.*)%]:(%d+)$")
    host = host and full_ipv6(host)
    return host and tonumber(port) < 65536 and string.format("[%s]:%d", host, port) or nil
  end
  if address:match("^[%d.:]+$") then
    local numbers = { address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+):(%d+)$") }
    if #numbers == 0 or tonumber(numbers[5]) > 65535 then return nil end
    for index = 1, 4 do
      if tonumber(numbers[index]) > 255 then return nil end
    end
    return string.format("%d.%d.%d.%d:%d", unpack(numbers))
  end
  local host, port = address:match("^(.+):(%d+)$")
  return host and string.format("%s:%d", host, port) or nil
end

-- The entry's flags by name, and the rest of the entry. A flag is a separate word, anywhere in the entry. Of
-- two adjacent equal flags the second one stays, and makes the address invalid.
local function take_flags(entry, known)
  local rest, found = " " .. entry .. " ", {}
  for _, pattern in ipairs(known) do
    rest = rest:gsub("%s(" .. pattern .. ")%s", function(flag)
      if not found[flag] then table.insert(found, flag) end
      found[flag] = true
      return " "
    end)
  end
  return found, rest:match("^%s*(.-)%s*$")
end

local listeners = {}

-- The entries of a list, without surrounding blanks.
function listeners.split(value)
  local entries = {}
  for entry in (value .. ","):gmatch("([^,]*),") do
    table.insert(entries, entry:match("^%s*(.-)%s*$"))
  end
  return entries
end

-- A list of { address =, flags = } of a setting's entries; flags are both a list and keys. Or nil, and why
-- Kong refuses them.
function listeners.parse(entries, subsystem, takes_transparent)
  if entries[1] == "off" then return {} end
  local known = { unpack(flags[subsystem]) }
  if takes_transparent then table.insert(known, "transparent") end
  local found = {}
  for _, entry in ipairs(entries) do
    local own, address = take_flags(entry, known)
    address = normalized(address)
    if not address then return nil, form(subsystem) end
    table.insert(found, { address = address, flags = own })
  end
  return found
end

-- The parameter of `listen`. There http2 is a separate directive, and only the nginx of Kong 1.x knows
-- `transparent`.
function listeners.parameter(listener, hidden)
  local words = { listener.address }
  for _, flag in ipairs(listener.flags) do
    if flag ~= "http2" and flag ~= "transparent" and flag ~= hidden then table.insert(words, flag) end
  end
  return table.concat(words, " ")
end

return listeners
