/// The scripts for shells. Each hands the words to `poolgate complete`, and shows what that prints; a line `@file` or
/// `@folder` has the shell complete paths.
enum CompletionScripts {
    static let bash = #"""
        # bash completion for poolgate
        _poolgate() {
            local current=${COMP_WORDS[COMP_CWORD]} candidate
            local -a words
            # bash takes '=' for a word of its own.
            local line=${COMP_LINE:0:COMP_POINT}
            read -ra words <<<"$line"
            [[ $line == *[[:space:]] ]] && words+=("")
            COMPREPLY=()
            while IFS= read -r candidate; do
                case $candidate in
                    @file) compopt -o filenames; COMPREPLY+=($(compgen -f -- "$current")) ;;
                    @folder) compopt -o filenames; COMPREPLY+=($(compgen -d -- "$current")) ;;
                    *) COMPREPLY+=("$candidate") ;;
                esac
            done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
        }
        complete -F _poolgate poolgate
        """#

    static let zsh = #"""
        #compdef poolgate
        # zsh completion for poolgate
        _poolgate() {
            local candidate
            local -a found
            for candidate in ${(f)"$(${words[1]} complete -- ${words[2,CURRENT-1]} "${words[CURRENT]}" 2>/dev/null)"}; do
                case $candidate in
                    @file) _files ;;
                    @folder) _files -/ ;;
                    *) found+=("$candidate") ;;
                esac
            done
            (( $#found )) && compadd -Q -- $found
        }
        if [ "$funcstack[1]" = "_poolgate" ]; then _poolgate "$@"; else compdef _poolgate poolgate; fi
        """#

    static let fish = #"""
        # fish completion for poolgate
        function __poolgate_complete
            set -l words (commandline -opc)
            set -l current (commandline -ct)
            for candidate in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
                switch $candidate
                    case @file
                        __fish_complete_path "$current"
                    case @folder
                        __fish_complete_directories "$current"
                    case '*'
                        echo $candidate
                end
            end
        end
        complete -c poolgate -f -a '(__poolgate_complete)'
        """#
}
