using AutoCrunch.Cli;
using AutoCrunch.Linux;

ChildProcess.RestoreChildSignal();
return CommandLine.Invoke(args, Terminal.OfProcess());
