namespace AutoCrunch.Configuration;

/// <summary>Guesses what was meant by a misspelt name.</summary>
internal static class Nearest
{
    /// <summary>
    /// The candidate that takes fewest edits, if those are few for its length; null when nothing is near.
    /// </summary>
    public static string? To(string name, IEnumerable<string> candidates)
    {
        string? nearest = null;
        int fewest = int.MaxValue;
        foreach (string candidate in candidates)
        {
            int edits = Edits(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (edits < fewest && edits <= Math.Max(1, candidate.Length / 3))
                (nearest, fewest) = (candidate, edits);
        }

        return nearest;
    }

    // Optimal string alignment: insert, delete, replace, or swap two neighbours.
    private static int Edits(string a, string b)
    {
        var cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, 1 + Math.Min(cost[i - 1, j], cost[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }

        return cost[a.Length, b.Length];
    }
}
