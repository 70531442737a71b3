/** What a shell is told to ask `engine __complete` for words (complete.ts). */

export type Shell = 'bash' | 'zsh' | 'fish';

/** For `source <(engine completion bash)`, or a file where the shell looks for such. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: String.raw`# Completion of engine for bash.
__engine_complete() {
  local line=${'"${COMP_LINE:0:COMP_POINT}"'} out directive candidate
  local -a words
  # bash splits words at colons and equals signs too; engine does not.
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local typed=${'"${words[${#words[@]}-1]}"'} current=${'"${COMP_WORDS[COMP_CWORD]}"'}
  out=$(${'"${words[0]}"'} __complete ${'"${words[@]:1}"'} 2>/dev/null) || return
  directive=${'${out##*:}'}
  COMPREPLY=()
  local cut=$((${'${#typed}'} - ${'${#current}'}))
  case $current in : | =) cut=${'${#typed}'} ;; esac
  while IFS=$'\t' read -r candidate _; do
    [[ $candidate == :* ]] || COMPREPLY+=("${'${candidate:cut}'}")
  done <<<"$out"
  if [[ ${'${#COMPREPLY[@]}'} -eq 0 && $directive -eq 0 ]]; then
    compopt -o default 2>/dev/null
  fi
}
complete -F __engine_complete engine
`,
  zsh: String.raw`#compdef engine
# Completion of engine for zsh.
_engine() {
  local out directive line
  local -a candidates
  out=$("${'${words[1]}'}" __complete "${'${(@)words[2,CURRENT]}'}" 2>/dev/null) || return 1
  directive=${'${out##*:}'}
  for line in "${'${(@f)out}'}"; do
    [[ $line == :* || -z $line ]] && continue
    # _describe takes a colon for the end of the word.
    line=${'${line//:/\\\\:}'}
    candidates+=("${"${line/$'\\t'/:}"}")
  done
  if (( ${'${#candidates}'} )); then
    _describe 'engine' candidates
  elif [[ $directive == 0 ]]; then
    _files
  fi
}
if [[ $funcstack[1] == _engine ]]; then _engine "$@"; else compdef _engine engine; fi
`,
  fish: String.raw`# Completion of engine for fish.
function __engine_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l out ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    or return
    set -l directive $out[-1]
    set -e out[-1]
    printf '%s\n' $out
    test "$directive" = ':0'; and __fish_complete_path "$typed"
end
complete -c engine -f -a '(__engine_complete)'
`,
};
