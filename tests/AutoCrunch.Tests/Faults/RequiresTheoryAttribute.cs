namespace AutoCrunch.Tests.Faults;

/// <summary><see cref="RequiresFactAttribute"/>, for theories.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RequiresTheoryAttribute : TheoryAttribute
{
    public RequiresTheoryAttribute(params string[] requirements) =>
        Skip = new RequiresFactAttribute(requirements).Skip;
}
