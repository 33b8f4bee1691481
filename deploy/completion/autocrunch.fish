# fish completion for autocrunch(1)

# The names of the rules: "check" tells of each, as AutoCrunch:Rules:NAME:KEY.
function __autocrunch_rules
    autocrunch check --json 2>/dev/null |
        string replace -rf '.*"key":"AutoCrunch:Rules:([A-Za-z0-9_-]*):.*' '$1' | sort -u
end

set -l verbs run check trace status jobs show explain retry cancel submit adopt sync pause resume
complete -c autocrunch -f
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a run -d 'Watch, and run jobs'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a check -d 'Tell every mistake in the configuration'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a trace -d 'Show live what arrives in a directory'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a status -d 'Tell what goes on'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a jobs -d 'List jobs, newest first'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a show -d 'Show the whole story of a job'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a explain -d 'Tell why a file was, or was not, processed'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a retry -d 'Run jobs again'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a cancel -d 'Cancel jobs that wait, end those that run'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a submit -d 'Process files now, again if need be'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a adopt -d 'Record all files of a rule as done, or as pending'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a sync -d 'Return when all that has arrived is recorded'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a pause -d 'Let no job of a rule start'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -a resume -d 'Let the jobs of a rule start again'
complete -c autocrunch -n '__fish_seen_subcommand_from pause resume' -a '(__autocrunch_rules)'
complete -c autocrunch -n "not __fish_seen_subcommand_from $verbs" -l version -d 'The version'
complete -c autocrunch -s h -l help -d 'Help with examples'
complete -c autocrunch -n 'not __fish_seen_subcommand_from trace' -l config -r -F -d 'The configuration file'
complete -c autocrunch -n '__fish_seen_subcommand_from check trace status jobs show explain retry cancel submit adopt sync pause resume' -l json -d 'One JSON object a line'
complete -c autocrunch -n '__fish_seen_subcommand_from trace' -l include -x -d 'Judge only files that fit the pattern'
complete -c autocrunch -n '__fish_seen_subcommand_from trace' -l quiet -x -a '500ms 2s 10s 1m' -d 'The quiet period'
complete -c autocrunch -n '__fish_seen_subcommand_from trace' -l all -d 'Opens, reads and closes without writing too'
complete -c autocrunch -n '__fish_seen_subcommand_from trace' -l no-recursion -d 'The directory alone'
complete -c autocrunch -n '__fish_seen_subcommand_from trace' -a '(__fish_complete_directories)'
complete -c autocrunch -n '__fish_seen_subcommand_from explain' -l limit -x -d 'Of a directory, no more files than this'
complete -c autocrunch -n '__fish_seen_subcommand_from explain' -F
complete -c autocrunch -n '__fish_seen_subcommand_from jobs retry cancel submit adopt' -l rule -x -a '(__autocrunch_rules)' -d 'Jobs of this rule'
complete -c autocrunch -n '__fish_seen_subcommand_from jobs' -l state -x -a 'queued running succeeded failed cancelled' -d 'Jobs in this state'
complete -c autocrunch -n '__fish_seen_subcommand_from jobs' -l since -x -a '10m 1h 1d 7d' -d 'Jobs whose file completed since then'
complete -c autocrunch -n '__fish_seen_subcommand_from jobs' -l path -r -F -d 'Jobs of such files'
complete -c autocrunch -n '__fish_seen_subcommand_from jobs' -l limit -x -d 'No more jobs than this, 0 for all'
complete -c autocrunch -n '__fish_seen_subcommand_from jobs' -l null -d 'Only the paths, each ended by NUL'
complete -c autocrunch -n '__fish_seen_subcommand_from show' -l log -d 'What the program of its last attempt wrote'
complete -c autocrunch -n '__fish_seen_subcommand_from show' -l follow -d 'With --log, until the attempt ends'
complete -c autocrunch -n '__fish_seen_subcommand_from show' -l attempt -x -d 'This attempt'
complete -c autocrunch -n '__fish_seen_subcommand_from status' -l watch -d 'Again every second, on a terminal as a live screen'
complete -c autocrunch -n '__fish_seen_subcommand_from resume' -l path -r -F -d 'Only this path of the rule'
complete -c autocrunch -n '__fish_seen_subcommand_from retry' -l failed -d 'All jobs that have failed for good'
complete -c autocrunch -n '__fish_seen_subcommand_from cancel' -l queued -d 'All jobs that wait'
complete -c autocrunch -n '__fish_seen_subcommand_from submit' -l wait -d 'Return when all their jobs have ended'
complete -c autocrunch -n '__fish_seen_subcommand_from submit' -F
complete -c autocrunch -n '__fish_seen_subcommand_from adopt' -l as -x -a 'done pending' -d 'What they count as'
complete -c autocrunch -n '__fish_seen_subcommand_from adopt' -l dry-run -d 'Only count what would become of them'
complete -c autocrunch -n '__fish_seen_subcommand_from sync' -l timeout -x -a '10s 1m 5m' -d 'Give up after this time'
