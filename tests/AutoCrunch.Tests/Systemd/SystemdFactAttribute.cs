namespace AutoCrunch.Tests.Systemd;

/// <summary>A test that builds the packages, or runs in a container with systemd.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SystemdFactAttribute() : RequiresFactAttribute(
    Root, "systemd-nspawn", "nsenter", "debootstrap", "dpkg-deb", "lintian", "sqlite3", "pgrep");
