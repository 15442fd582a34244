/**
 * The scripts by which shells ask Staddle what may come next.
 *
 * @module
 */

/** A script for each shell. Words are handed over as they stand; the last one is begun. */
export const scripts: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `# Completion of staddle for bash: eval "$(staddle completions bash)"
_staddle() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _staddle staddle`,
  zsh: `#compdef staddle
# Completion of staddle for zsh: eval "$(staddle completions zsh)"
_staddle() {
  local line word
  local -a found shown
  while IFS= read -r line; do
    word="\${line%%$'\\t'*}"
    found+=("$word")
    shown+=("$word  -- \${line#*$'\\t'}")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    compadd -l -d shown -a found
  else
    _files
  fi
}
compdef _staddle staddle`,
  fish: `# Completion of staddle for fish: staddle completions fish | source
function __staddle_complete
    set -l words (commandline -opc) (commandline -ct)
    staddle __complete $words[2..-1] 2>/dev/null
end
complete -c staddle -a '(__staddle_complete)'`,
};
