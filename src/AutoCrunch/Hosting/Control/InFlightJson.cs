using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Hosting;

/// <summary>A file without a verdict on the control socket.</summary>
internal static class InFlightJson
{
    public static void Write(Utf8JsonWriter json, InFlight file)
    {
        json.WriteStartObject("inFlight");
        json.WriteString("rule", file.Rule);
        json.WriteBase64String("path", file.Path.Span);
        json.WriteString("state", file.State.ToString());
        json.WriteNumber("arrivedNs", file.ArrivedNs);
        json.WriteNumber("lastSignNs", file.LastSignNs);
        if (file.SizeBytes is { } size)
            json.WriteNumber("size", size);
        if (file.UntilNs is { } until)
            json.WriteNumber("untilNs", until);
        if (file.Hold is { } hold)
            json.WriteString("hold", hold.ToString());
        json.WriteEndObject();
    }

    /// <summary>What <see cref="Write"/> wrote into this line; null when it has none.</summary>
    /// <exception cref="Exception">Another version wrote it: what the JSON reader or the parser throws.</exception>
    public static InFlight? Read(JsonElement line)
    {
        if (!line.TryGetProperty("inFlight", out JsonElement file))
            return null;
        return new InFlight(
            file.GetProperty("rule").GetString()!,
            new BytePath(file.GetProperty("path").GetBytesFromBase64()),
            Enum.Parse<InFlightState>(file.GetProperty("state").GetString()!),
            file.GetProperty("arrivedNs").GetInt64(),
            file.GetProperty("lastSignNs").GetInt64())
        {
            SizeBytes = file.TryGetProperty("size", out JsonElement size) ? size.GetInt64() : null,
            UntilNs = file.TryGetProperty("untilNs", out JsonElement until) ? until.GetInt64() : null,
            Hold = file.TryGetProperty("hold", out JsonElement hold) ? Enum.Parse<HoldReason>(hold.GetString()!) : null,
        };
    }
}
