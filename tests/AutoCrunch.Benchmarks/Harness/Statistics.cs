namespace AutoCrunch.Benchmarks;

/// <summary>The figures that results are told in.</summary>
internal static class Statistics
{
    public static double Median(this IEnumerable<double> values) => values.Percentile(50);

    /// <summary>The value below which so many of a hundred lie; NaN where there is none.</summary>
    public static double Percentile(this IEnumerable<double> values, int percent)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
    }
}
