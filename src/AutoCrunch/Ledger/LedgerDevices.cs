namespace AutoCrunch.Ledger;

/// <summary>
/// The devices that files were seen on: a small table, kept in memory beside the one on disk. Files refer to a device
/// by its row, because its number may change with every boot and mount. Ledger thread only.
/// </summary>
internal sealed class LedgerDevices
{
    private readonly SqliteStatement _load;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _renumber;
    private readonly Dictionary<ulong, long> _ids = [];
    private readonly Dictionary<long, ulong> _numbers = [];

    public LedgerDevices(SqliteDatabase db)
    {
        _load = db.Prepare("SELECT id, number FROM devices ORDER BY id");
        _insert = db.Prepare("INSERT INTO devices (number) VALUES (?1) RETURNING id");
        _renumber = db.Prepare("UPDATE devices SET number = ?2 WHERE number = ?1");
        Load();
    }

    /// <summary>The row of a device, made when there is none; null for number 0, "not known".</summary>
    public long? IdOf(ulong number)
    {
        if (number == 0)
            return null;
        if (_ids.TryGetValue(number, out long id))
            return id;
        _insert.Bind(1, (long)number).Step();
        id = _insert.Number(0);
        _insert.Reset();
        _ids[number] = id;
        _numbers[id] = number;
        return id;
    }

    /// <summary>The number that the device of a row has now; 0 for no row.</summary>
    public ulong NumberOf(long? id) => id is { } known ? _numbers.GetValueOrDefault(known) : 0;

    /// <summary>A file known on one number was found on another.</summary>
    public void Renumber(ulong from, ulong to)
    {
        _renumber.Bind(1, (long)from).Bind(2, (long)to).Run();
        Load();
    }

    /// <summary>Reads the table again: the round that changed it was rolled back.</summary>
    public void Load()
    {
        _ids.Clear();
        _numbers.Clear();
        while (_load.Step())
        {
            _ids[(ulong)_load.Number(1)] = _load.Number(0);
            _numbers[_load.Number(0)] = (ulong)_load.Number(1);
        }
    }
}
