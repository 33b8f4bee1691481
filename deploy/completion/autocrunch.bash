# bash completion for autocrunch(1)                                                          -*- shell-script -*-

# The names of the rules: "check" tells of each, as AutoCrunch:Rules:NAME:KEY.
_autocrunch_rules() {
    autocrunch check --json ${1:+--config "$1"} 2>/dev/null |
        sed -n 's/.*"key":"AutoCrunch:Rules:\([A-Za-z0-9_-]*\):.*/\1/p' | sort -u
}

_autocrunch() {
    local cur prev words cword
    _init_completion || return

    local verb= word before= config=
    for word in "${words[@]:1:cword-1}"; do
        [[ $before == --config ]] && config=$word
        before=$word
        [[ -n $verb ]] && continue
        case $word in
            run | check | trace | status | jobs | show | explain | retry | cancel | submit | adopt | sync | pause | resume) verb=$word ;;
        esac
    done

    case $prev in
        --rule) COMPREPLY=($(compgen -W "$(_autocrunch_rules "$config")" -- "$cur")); return ;;
        --state) COMPREPLY=($(compgen -W 'queued running succeeded failed cancelled' -- "$cur")); return ;;
        --since) COMPREPLY=($(compgen -W '10m 1h 1d 7d' -- "$cur")); return ;;
        --path) _filedir; return ;;
        --limit | --attempt) return ;;
        --config) _filedir json; return ;;
        --include) return ;;
        --as) COMPREPLY=($(compgen -W 'done pending' -- "$cur")); return ;;
        --timeout) COMPREPLY=($(compgen -W '10s 1m 5m' -- "$cur")); return ;;
        --quiet) COMPREPLY=($(compgen -W '500ms 2s 10s 1m' -- "$cur")); return ;;
    esac

    local options='--config --help'
    case $verb in
        '') options+=' --version' ;;
        check) options+=' --json' ;;
        status) options+=' --watch --json' ;;
        jobs) options+=' --rule --state --since --path --limit --json --null' ;;
        explain) options+=' --limit --json' ;;
        show) options+=' --log --follow --attempt --json' ;;
        retry) options+=' --failed --rule --json' ;;
        cancel) options+=' --queued --rule --json' ;;
        submit) options+=' --rule --wait --json' ;;
        adopt) options+=' --rule --as --dry-run --json' ;;
        sync) options+=' --timeout --json' ;;
        pause) options+=' --json' ;;
        resume) options+=' --path --json' ;;
        trace) options='--include --quiet --all --no-recursion --json --help' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ -z $verb ]]; then
        COMPREPLY=($(compgen -W 'run check trace status jobs show explain retry cancel submit adopt sync pause resume' -- "$cur"))
    elif [[ $verb == trace ]]; then
        _filedir -d
    elif [[ $verb == explain ]]; then
        _filedir
    elif [[ $verb == submit ]]; then
        _filedir
    elif [[ $verb == pause || $verb == resume ]]; then
        COMPREPLY=($(compgen -W "$(_autocrunch_rules "$config")" -- "$cur"))
    fi
} && complete -F _autocrunch autocrunch
