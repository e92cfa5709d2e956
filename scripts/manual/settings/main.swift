import Settings
import Text

// Prints what the man page needs about entrypoint and its settings, and the completions for shells, as JSON.

let settings = Setting.all.map { setting in
  JSON.object([
    "name": setting.name.map { .string($0) },
    "short_name": setting.shortName.map { .string($0) },
    "variable": setting.variable.map { .string($0) },
    "value": .string(setting.value.text),
    "summary": .string(setting.summary),
    "usual": .string(setting.usual),
  ])
}
print(
  JSON.object([
    "abstract": .string(HelpText.abstract),
    "discussion": .strings(HelpText.discussion),
    "settings": .array(settings),
    "completions": .object([
      "bash": .string(Completions.bash),
      "zsh": .string(Completions.zsh),
      "fish": .string(Completions.fish),
    ]),
  ]).lines)
