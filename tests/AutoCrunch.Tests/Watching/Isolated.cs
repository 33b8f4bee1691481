using System.Reflection;
using AutoCrunch.Tests.Watching;

namespace AutoCrunch.Tests.Watching
{
    /// <summary>
    /// Runs a scenario in a process of its own, with another user, other limits or other mounts than the tests have,
    /// and
    /// without changing them for anybody else on the machine.
    /// </summary>
    internal static class Isolated
    {
        private const string ScenarioVariable = "AUTOCRUNCH_TESTS_SCENARIO";
        private const string DirectoryVariable = "AUTOCRUNCH_TESTS_DIRECTORY";

        /// <summary>
        /// Runs a script in which <c>$SCENARIO</c> is the command that runs <paramref name="scenario"/>; fails the
        /// test,
        /// with all that was said, when the scenario does.
        /// </summary>
        public static void Run(string script, Action<string> scenario, string directory)
        {
            string assembly = typeof(Isolated).Assembly.Location;
            string command = $"env DOTNET_STARTUP_HOOKS='{assembly}' {ScenarioVariable}={scenario.Method.Name} "
                + $"{DirectoryVariable}='{directory}' '{Environment.ProcessPath}' exec '{assembly}'";
            Shell.Run(directory, script.Replace("$SCENARIO", command, StringComparison.Ordinal));
        }

        /// <summary>In the new process: runs the scenario it was started for. False in every other process.</summary>
        public static bool RunScenario()
        {
            if (Environment.GetEnvironmentVariable(ScenarioVariable) is not { } name)
                return false;
            MethodInfo scenario = typeof(Scenarios).GetMethod(name)!;
            scenario.CreateDelegate<Action<string>>()(Environment.GetEnvironmentVariable(DirectoryVariable)!);
            return true;
        }
    }
}

/// <summary>Run by the runtime before Main where DOTNET_STARTUP_HOOKS names this assembly.</summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        try
        {
            if (Isolated.RunScenario())
                Environment.Exit(0);
        }
        catch (Exception failure)
        {
            Console.Error.WriteLine(failure);
            Environment.Exit(1);
        }
    }
}
