import Settings
import Text

/// What the shells complete: the options of the table, their values, and the command behind them.
enum Completions {
  private static let options = Setting.all.filter { $0.name != nil }

  private static func names(_ settings: [Setting]) -> [String] {
    settings.flatMap { [$0.shortName, $0.name].compactMap { $0 } }
  }

  private static let withValue = options.filter { $0.value != .none }

  // MARK: bash

  static var bash: String {
    """
    # Completion of entrypoint(1) for bash; made from the table of its options.
    _entrypoint() {
      local word=${COMP_WORDS[COMP_CWORD]} option='' index=1 value
      COMPREPLY=()
      while ((index < COMP_CWORD)); do
        case ${COMP_WORDS[index]} in
          --) index=$((index + 1)) && _entrypoint_command "$index" && return ;;
          \(names(withValue).joined(separator: "|")))
            # Readline makes "=" a word of its own, and ":".
            value=$((index + 1))
            [[ ${COMP_WORDS[value]} != '=' ]] || value=$((value + 1))
            if ((value >= COMP_CWORD)); then
              option=${COMP_WORDS[index]}
              break
            fi
            index=$((value + 1))
            while [[ ${COMP_WORDS[index]} == : ]]; do index=$((index + 2)); done
            ;;
          -*) index=$((index + 1)) ;;
          *) _entrypoint_command "$index" && return ;;
        esac
      done
      [[ $word != '=' ]] || word=
      case $option in
        '')
          if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '\(names(options).joined(separator: " "))' -- "$word")
          else
            _entrypoint_command "$COMP_CWORD"
          fi
          ;;
    \(withValue.compactMap { bashValue($0) }.joined(separator: "\n"))
      esac
    }

    # _entrypoint_command INDEX: the words from there on are a command's.
    _entrypoint_command() {
      if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
      elif ((COMP_CWORD == $1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
      fi
    }

    complete -F _entrypoint entrypoint
    """
  }

  private static func bashValue(_ setting: Setting) -> String? {
    let generator: String
    switch setting.value {
    case .choice(let words): generator = "-W '\(words.joined(separator: " "))'"
    case .text("USER[:GROUP]"): generator = "-u"
    case .text("PATH"): generator = "-f"
    case .text, .none: return nil
    }
    return "    \(setting.name ?? ""))"
      + " mapfile -t COMPREPLY < <(compgen \(generator) -- \"$word\") ;;"
  }

  // MARK: zsh

  static var zsh: String {
    """
    #compdef entrypoint
    # Completion of entrypoint(1) for zsh; made from the table of its options.
    _arguments -S -A '-*' \\
    \(options.map { "  \(zshOption($0)) \\\n" }.joined())\
      '(-)1:command:_command_names -e' \\
      '*::argument:_normal'

    """
  }

  private static func zshOption(_ setting: Setting) -> String {
    let name = setting.name ?? ""
    let summary = "[" + quoted(firstSentence(of: setting)) + "]"
    let (mark, value) =
      switch setting.value {
      case .none: ("", "")
      case .choice(let words): ("=", ":word:(\(words.joined(separator: " ")))")
      case .text("USER[:GROUP]"): ("=", ":user:_users")
      case .text("PATH"): ("=", ":file:_files")
      case .text(let text): ("=", ":\(text.lowercasedASCII):")
      }
    if let short = setting.shortName {
      return "'(\(short) \(name))'{\(short),\(name)\(mark)}'\(summary)\(value)'"
    }
    // "--cap" can be given more than once.
    let repeats = setting.option == .capability ? "*" : ""
    return "'\(repeats)\(name)\(mark)\(summary)\(value)'"
  }

  // MARK: fish

  static var fish: String {
    """
    # Completion of entrypoint(1) for fish; made from the table of its options.
    # The words of the command behind the options, as far as they are typed.
    function __entrypoint_command
        set -l words (commandline -opc)
        set -e words[1]
        set -l is_value 0
        while set -q words[1]
            if test $is_value = 1
                set is_value 0
            else
                switch $words[1]
                    case --
                        set -e words[1]
                        break
                    case \(names(withValue).joined(separator: " "))
                        set is_value 1
                    case '-*'
                    case '*'
                        break
                end
            end
            set -e words[1]
        end
        string join \\n -- $words (commandline -ct)
    end

    function __entrypoint_before_command
        test (count (__entrypoint_command)) -le 1
        and not contains -- -- (commandline -opc)
    end

    complete -c entrypoint -x -a '(__fish_complete_subcommand --commandline (__entrypoint_command))'
    \(options.map { fishOption($0) }.joined(separator: "\n"))

    """
  }

  private static func fishOption(_ setting: Setting) -> String {
    var line = "complete -c entrypoint -n __entrypoint_before_command"
    if let short = setting.shortName { line += " -s \(String(short.dropFirst()))" }
    line += " -l \(String((setting.name ?? "").dropFirst(2)))"
    switch setting.value {
    case .none: break
    case .choice(let words): line += " -x -a '\(words.joined(separator: " "))'"
    case .text("USER[:GROUP]"): line += " -x -a '(__fish_complete_users)'"
    case .text("PATH"): line += " -r -F"
    case .text: line += " -x"
    }
    return line + " -d '\(quoted(firstSentence(of: setting)))'"
  }

  // MARK: text

  private static func firstSentence(of setting: Setting) -> String {
    let summary = Array(setting.summary.utf8)
    let end = summary.indices.dropLast().first {
      summary[$0] == UInt8(ascii: ".") && summary[$0 + 1] == UInt8(ascii: " ")
    }
    return String(decoding: summary[..<(end ?? summary.count - 1)], as: UTF8.self)
  }

  /// As it stands between single quotes.
  private static func quoted(_ text: String) -> String {
    text.utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "'\\''")
  }
}
