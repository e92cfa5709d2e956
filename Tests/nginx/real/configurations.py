"""Random nginx configurations: file names and their texts."""

import random

SEPARATORS = [" ", "\n", "\t", "\r\n", "  ", " # }{;\"'\n", "\n#listen 1;\n"]
PARAMETERS = {
    "http": ["default_server", "backlog=64", "deferred", "reuseport", "rcvbuf=8k", "fastopen=3",
             "so_keepalive=on", "so_keepalive=30m::10", "bind", "http2", "proxy_protocol", "ssl"],
    "stream": ["backlog=64", "reuseport", "sndbuf=8k", "so_keepalive=off", "bind",
               "proxy_protocol", "ssl"],
}
# Parameters that nginx does not accept twice.
SETS_OPTIONS = ("backlog", "deferred", "reuseport", "rcvbuf", "sndbuf", "fastopen", "so_", "bind",
                "default_server", "ipv6only")
NAMES = ["inc", "a b", "q'x", 'd"x', "semi;colon", "brace{", "#x", "back\\slash", "dollar$x", "e=f"]
LUA = ["a = 1", '"}"', "'{'", '"\\""', "'\\''", '"\\\\"', "--}\n", "--[[ } ]]", "--[=[ ]] } ]=]",
       "[[ } ]]", "[==[ }]=] ]==]", "{ }", "{ { } }", "it's\n", '"\n', "---[[ }\n", "--[ }\n",
       "a[b[c]]", "- -", "]]", "[=", "'a\\\n", "x_by_lua_block {}", "listen 1;"]


class Writer:
    """Writes words with random quotes, blanks and comments."""

    def __init__(self, rng):
        self.rng = rng

    def directive(self, *words, block=None):
        text = self.gap(0.2)
        for index, word in enumerate(words):
            quoted = self.word(word)
            if index:
                text += self.gap(1)
            text += quoted
        text += self.gap(0.2)
        if block is None:
            return text + ";"
        # An nginx comment is not a comment in Lua.
        gap = "" if words[0].endswith("_by_lua_block") else self.gap(0.5)
        return text + "{" + block + gap + "}"

    def gap(self, chance):
        text = ""
        while self.rng.random() < chance:
            text += self.rng.choice(SEPARATORS)
            chance = 0.2
        return text

    def word(self, value):
        # After a backslash the next byte matters outside of quotes, too.
        is_plain = value and value[0] not in "\"'#}" and not any(c in value for c in " ;{\\\n\t\"'")
        kind = self.rng.choice(["plain"] * 6 + ['"', "'"] if is_plain else ['"', "'"])
        if kind == "plain":
            return value
        return kind + value.replace("\\", "\\\\").replace(kind, "\\" + kind) + kind


class Configuration:
    def __init__(self, seed, has_ipv6=True):
        self.rng = random.Random(seed)
        self.has_ipv6 = has_ipv6
        self.write = Writer(self.rng)
        self.files = {}
        self.used = {}
        self.ports = {}

    def generate(self):
        parts = [self.block("http") for _ in range(self.rng.choice([1, 1, 1, 0]))]
        parts += [self.block("stream") for _ in range(self.rng.choice([1, 1, 0]))]
        self.files["main.conf"] = self.included(parts) + self.write.gap(0.5)
        return self.files

    def block(self, kind):
        servers = [self.server(kind) for _ in range(self.rng.randrange(1, 5))]
        if kind == "http":
            servers += [self.noise() for _ in range(self.rng.randrange(3))]
            self.rng.shuffle(servers)
        ssl = [self.write.directive("ssl_certificate", "certificate.pem"),
               self.write.directive("ssl_certificate_key", "key.pem")]
        return self.write.directive(kind, block="".join(ssl) + self.included(servers))

    def server(self, kind):
        least = 1 if kind == "stream" else 0
        listens = [self.listen(kind) for _ in range(self.rng.randrange(least, 4))]
        listens = [listen for listen in listens if listen]
        if not listens:
            if kind == "stream":
                return ""
            if self.ports.setdefault("http False 80", False):
                return ""
        rest = [self.write.directive("return", self.rng.choice(["404", "200"]))]
        if kind == "http":
            rest += [self.location() for _ in range(self.rng.randrange(3))]
        statements = listens + rest
        self.rng.shuffle(statements)
        return self.write.directive("server", block=self.included(statements))

    def listen(self, kind):
        rng = self.rng
        is_udp = kind == "stream" and rng.random() < 0.4
        place, key = self.place(kind, is_udp)
        key = f"{kind} {is_udp} {key}"
        if key in self.used and (kind == "stream" or rng.random() < 0.7):
            return ""
        words = rng.sample(PARAMETERS[kind], rng.choice([0, 0, 1, 2, 3]))
        port = f"{kind} {is_udp} {key.rpartition(':')[2]}"
        if port in self.ports or "-" in place or place[0].isalpha():
            words = [word for word in words if not word.startswith(SETS_OPTIONS)]
        # With options nginx binds a socket even if another has all addresses, and fails.
        has_options = any(word.startswith(SETS_OPTIONS) for word in words) or (
            is_udp and "reuseport" in words)
        if has_options and port in self.ports or self.ports.get(port):
            return ""
        self.ports[port] = has_options
        if is_udp:
            words = ["udp"] + [word for word in words if word in ("reuseport", "bind")]
        if place.startswith("unix:"):
            words = [word for word in words if word in ("ssl", "proxy_protocol", "udp")]
        if sum(word.startswith("so_keepalive") for word in words) > 1:
            words = [word for word in words if not word.startswith("so_keepalive")]
        self.used[key] = True
        return self.write.directive("listen", place, *words)

    def place(self, kind, is_udp):
        """The words to write, and their meaning."""
        rng = self.rng
        if rng.random() < 0.15:
            path = f"{kind}{rng.randrange(9)}" + rng.choice(["", " x", ";", "{", "#", "\\y", "'", '"'])
            return rng.choice(["unix:", "UNIX:"]) + path, path
        base = {"http": 8000, "stream": 9000}[kind]
        port = base + rng.randrange(40)
        if rng.random() < 0.2:
            port = {"http": 80, "stream": 53}[kind]
        address = rng.choice(["", "", "*", "127.0.0.1", "127.0.0.2", "0.0.0.0", "[::]", "[::1]",
                              "[0:0::0.0.0.0]", "localhost"])
        if "::" in address and not self.has_ipv6:
            address = "localhost" if address == "[::1]" else "*"
        ports = "0" * rng.choice([0, 0, 0, 3]) + str(port)
        if port > 1024 and rng.random() < 0.2:
            # A hundred separate ports for each range.
            first = base + 100 * (1 + len(self.used))
            ports = f"{first}-{first + rng.randrange(9)}"
        elif port == 80 and address and rng.random() < 0.5:
            ports = ""
        canonical = {"": "0.0.0.0", "*": "0.0.0.0", "[0:0::0.0.0.0]": "[::]", "localhost": "127.0.0.1"}
        written = ":".join(part for part in (address, ports) if part)
        return written, f"{canonical.get(address, address)}:{ports.lstrip('0') or 80}"

    def location(self):
        rng = self.rng
        block = rng.choice([self.lua, lambda: self.write.directive("return", "404")])()
        pattern = rng.choice(["/a", "^/b{1,2}$", "a;b", "}", "a}b", "\"x", "/$x"]) + str(rng.random())
        return self.write.directive("location", "~", pattern.replace("{", "\\{"), block=block)

    def lua(self):
        body = "".join(self.rng.choice(LUA) + self.rng.choice([" ", "\n"])
                       for _ in range(self.rng.randrange(8)))
        # Not "content": the body need not be a program, but must not be empty.
        return self.write.directive("content_by_lua_block", block=" x " + body + "\n")

    def noise(self):
        name = f"v{self.rng.randrange(10**9)}"
        return self.rng.choice([
            self.write.directive("map", "$uri", "$" + name, block=self.write.directive("listen", "1")),
            self.write.directive("upstream", name, block=self.write.directive("server", "127.0.0.1:1")),
            self.write.directive("log_format", name, "${uri}", "} {", "a;b # c"),
        ])

    def included(self, statements):
        """The statements, some of them perhaps in another file."""
        if self.rng.random() < 0.75:
            return "".join(statements)
        cut = self.rng.randrange(len(statements) + 1)
        name = f"{len(self.files)} {self.rng.choice(NAMES)}"
        rest, kept = "".join(statements[cut:]), "".join(statements[:cut])
        if self.rng.random() < 0.5:
            self.files[name] = rest
            return kept + self.write.directive("include", name)
        directory = f"d{len(self.files)}"
        self.files[f"{directory}/.hidden.conf"] = "an error;"
        self.files[f"{directory}/a.other"] = "an error;"
        halves = statements[cut:]
        pattern, first, second = self.rng.choice([
            ("*.conf", "b.conf", "a.conf"), ("?.conf", "a.conf", "z.conf"),
            ("[a-c].conf", "c.conf", "a.conf"), ("[!a].conf", "b.conf", "c.conf"),
            ("*/x", "p/x", "q/x"), ("x\\[1].c*", "x[1].conf", "x[1].c"),
        ])
        self.files[f"{directory}/{first}"] = "".join(halves[::2])
        self.files[f"{directory}/{second}"] = "".join(halves[1::2])
        return kept + self.write.directive("include", f"{directory}/{pattern}") + (
            self.write.directive("include", f"{directory}/none*"))


def mutated(files, seed):
    """The files with a few bytes of one of them changed."""
    rng = random.Random(seed)
    files = dict(files)
    name = rng.choice(sorted(files))
    text = files[name]
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        byte = rng.choice("{};\"'\\#$ \n)[]-=0189:*ab")
        text = rng.choice([text[:at] + byte + text[at:], text[:at] + text[at + 1:],
                           text[:at] + byte + text[at + 1:]])
    files[name] = text
    return files
