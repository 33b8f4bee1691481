using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace AutoCrunch.Hosting;

/// <summary>
/// Adds up what one meter measures and writes it in Prometheus' text format, version 0.0.4. Any thread may measure
/// while another writes.
/// </summary>
internal sealed class PrometheusText : IDisposable
{
    // Seconds: jobs take milliseconds or hours.
    private static readonly double[] s_bounds = [0.01, 0.1, 1, 10, 60, 600, 3600];

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    public PrometheusText(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!ReferenceEquals(instrument.Meter, meter))
                return;
            lock (_gate)
                _families.TryAdd(instrument.Name, new Family(instrument));
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Collects what is to be collected, and writes all.</summary>
    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (_gate)
        {
            foreach (Family family in _families.Values)
                family.Write(text);
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = Labels(tags);
        lock (_gate)
            _families[instrument.Name].Take(labels, value);
    }

    // Values are names of rules and words of ours: nothing in them needs an escape.
    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            labels.Append(labels.Length > 0 ? "," : "");
            labels.Append(CultureInfo.InvariantCulture, $"{tag.Key}=\"{tag.Value}\"");
        }

        return labels.ToString();
    }

    private sealed class Family(Instrument instrument)
    {
        private readonly SortedDictionary<string, double> _values = new(StringComparer.Ordinal);
        private readonly SortedDictionary<string, long[]> _buckets = new(StringComparer.Ordinal);
        private readonly bool _isSum = instrument is Counter<long>;
        private readonly bool _isHistogram = instrument is Histogram<double>;

        public void Take(string labels, double value)
        {
            _values[labels] = (_isSum || _isHistogram ? _values.GetValueOrDefault(labels) : 0) + value;
            if (!_isHistogram)
                return;
            if (!_buckets.TryGetValue(labels, out long[]? counts))
                _buckets.Add(labels, counts = new long[s_bounds.Length + 1]);
            for (int i = 0; i < s_bounds.Length; i++)
                counts[i] += value <= s_bounds[i] ? 1 : 0;
            counts[^1]++;
        }

        public void Write(StringBuilder text)
        {
            bool isCounter = _isSum || instrument is ObservableCounter<long>;
            string type = _isHistogram ? "histogram" : isCounter ? "counter" : "gauge";
            string unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
            string name = instrument.Name.Replace('.', '_') + unit + (isCounter ? "_total" : "");
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {instrument.Description}\n");
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            foreach ((string labels, double value) in _values)
            {
                if (_isHistogram)
                    WriteHistogram(text, name, labels, value);
                else
                    text.Append(CultureInfo.InvariantCulture, $"{name}{Braced(labels)} {value}\n");
            }
        }

        private void WriteHistogram(StringBuilder text, string name, string labels, double sum)
        {
            long[] counts = _buckets[labels];
            for (int i = 0; i < counts.Length; i++)
            {
                string bound = i < s_bounds.Length ? s_bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append(
                    CultureInfo.InvariantCulture, $"{name}_bucket{Braced($"{labels},le=\"{bound}\"")} {counts[i]}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{name}_sum{Braced(labels)} {sum}\n");
            text.Append(CultureInfo.InvariantCulture, $"{name}_count{Braced(labels)} {counts[^1]}\n");
        }

        private static string Braced(string labels) => labels.Length > 0 ? $"{{{labels}}}" : "";
    }
}
