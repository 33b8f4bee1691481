#compdef autocrunch

# The names of the rules: "check" tells of each, as AutoCrunch:Rules:NAME:KEY.
_autocrunch_rules() {
    local -a rules=(${(fu)"$(autocrunch check --json ${opt_args[--config]:+--config $opt_args[--config]} 2>/dev/null |
        sed -n 's/.*"key":"AutoCrunch:Rules:\([A-Za-z0-9_-]*\):.*/\1/p')"})
    compadd -a rules
}

_autocrunch() {
    local curcontext=$curcontext state line
    local -a config=('--config[the configuration file]:file:_files -g "*.json"')
    local -a help=('(-? -h --help)'{-\?,-h,--help}'[help with examples]')
    local -a verbs=(
        'run:watch, and run jobs, until told to stop'
        'check:tell every mistake in the configuration, and whether the machine is ready'
        'trace:show live what arrives in a directory, and the verdict on each file'
        'status:tell what goes on, and what asks for attention'
        'jobs:list jobs, newest first'
        'show:show the whole story of a job, or its log'
        'explain:tell why a file was, or was not, processed'
        'retry:run jobs again'
        'cancel:cancel jobs that wait, end those that run'
        'submit:process files now, also if they were processed before'
        'adopt:record all files of a rule as done, or as pending'
        'sync:return when all that has arrived is recorded'
        'pause:let no job of a rule start'
        'resume:let the jobs of a paused rule start again'
    )

    _arguments -C $config $help '--version[the version]' '1:verb:->verb' '*::argument:->arguments'
    case $state in
        verb) _describe verb verbs ;;
        arguments)
            case $line[1] in
                run) _arguments $config $help ;;
                retry)
                    _arguments $config $help \
                        '--failed[all jobs that have failed for good]' \
                        '--rule[with --failed, only jobs of this rule]:rule:_autocrunch_rules' \
                        '--json[one JSON object a line]' '*:job:'
                    ;;
                cancel)
                    _arguments $config $help \
                        '--queued[all jobs that wait]' \
                        '--rule[with --queued, only jobs of this rule]:rule:_autocrunch_rules' \
                        '--json[one JSON object a line]' '*:job:'
                    ;;
                submit)
                    _arguments $config $help \
                        '--rule[the rule that is to process them]:rule:_autocrunch_rules' \
                        '--wait[return when all their jobs have ended]' \
                        '--json[one JSON object a line]' '*:file:_files'
                    ;;
                adopt)
                    _arguments $config $help \
                        '--rule[the rule whose files are meant]:rule:_autocrunch_rules' \
                        '--as[what they count as]:kind:(done pending)' \
                        '--dry-run[only count what would become of them]' \
                        '--json[one JSON object]'
                    ;;
                sync)
                    _arguments $config $help \
                        '--timeout[give up after this time]:time:(10s 1m 5m)' \
                        '--json[one JSON object a line]'
                    ;;
                pause) _arguments $config $help '--json[one JSON object a line]' '1:rule:_autocrunch_rules' ;;
                resume)
                    _arguments $config $help \
                        '--path[only this path of the rule]:path:_files' \
                        '--json[one JSON object a line]' '1:rule:_autocrunch_rules'
                    ;;
                jobs)
                    _arguments $config $help \
                        '--rule[jobs of this rule]:rule:_autocrunch_rules' \
                        '--state[jobs in this state]:state:(queued running succeeded failed cancelled)' \
                        '--since[jobs whose file completed since then]:time:(10m 1h 1d 7d)' \
                        '--path[jobs of such files]:pattern:_files' \
                        '--limit[no more jobs than this, 0 for all]:number:' \
                        '(--null)--json[one JSON object a line]' \
                        '(--json)--null[only the paths, each ended by NUL]'
                    ;;
                show)
                    _arguments $config $help \
                        '--log[what the program of its last attempt wrote]' \
                        '--follow[with --log, until the attempt ends]' \
                        '--attempt[this attempt]:number:' \
                        '(--log)--json[one JSON object]' \
                        '1:job:'
                    ;;
                status)
                    _arguments $config $help \
                        '--watch[again every second, on a terminal as a live screen]' \
                        '--json[one JSON object]'
                    ;;
                check) _arguments $config $help '--json[one JSON object a line]' ;;
                explain)
                    _arguments $config $help \
                        '--limit[of a directory, no more files than this]:number:' \
                        '--json[one JSON object a line]' \
                        '*:path:_files'
                    ;;
                trace)
                    _arguments $help \
                        '*--include[judge only files that fit]:pattern:' \
                        '--quiet[the quiet period]:time:(500ms 2s 10s 1m)' \
                        '--all[opens, reads and closes without writing too]' \
                        '--no-recursion[the directory alone]' \
                        '--json[one JSON object a line]' \
                        '1:directory:_files -/'
                    ;;
            esac
            ;;
    esac
}

_autocrunch "$@"
