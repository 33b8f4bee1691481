using System.Net;
using System.Net.Sockets;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Files that arrive over a socket: rsync daemon, ssh and its kin, http.</summary>
public sealed class NetworkToolsTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private const string Daemon = """
        printf '%s\n' 'use chroot = no' "pid file = $B/pid" '[m]' "path = $D" 'read only = no' \
            "uid = $(id -u)" "gid = $(id -g)" >rsyncd.conf
        rsync --daemon --no-detach --address=127.0.0.1 --port=PORT --config=rsyncd.conf & daemon=$!
        trap 'kill $daemon; wait $daemon || true' EXIT
        U=rsync://127.0.0.1:PORT/m
        for try in {1..500}; do rsync $U/ >/dev/null 2>&1 && break; sleep 0.02; done

        """;

    private const string Ssh = """
        mkdir -p -m 700 ssh; mkdir -p /run/sshd || true
        [ -e ssh/id ] || { ssh-keygen -q -t ed25519 -N '' -f ssh/id; ssh-keygen -q -t ed25519 -N '' -f ssh/host; }
        cp ssh/id.pub ssh/authorized
        printf '%s\n' 'Port PORT' 'ListenAddress 127.0.0.1' "HostKey $B/ssh/host" \
            "AuthorizedKeysFile $B/ssh/authorized" 'StrictModes no' 'UsePAM no' 'PidFile none' \
            'PermitRootLogin yes' 'Subsystem sftp internal-sftp' >ssh/conf
        PATH=$PATH:/usr/sbin
        "$(command -v sshd)" -D -f ssh/conf & daemon=$!
        trap 'kill $daemon; wait $daemon || true' EXIT
        H=127.0.0.1
        O="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i $B/ssh/id"
        for try in {1..500}; do ssh -p PORT $O $H true </dev/null 2>/dev/null && break; sleep 0.02; done

        """;

    private readonly int _port = FreePort();

    [Fact]
    public void A_push_to_an_rsync_daemon_runs_once_for_each_version() => Run(
        Daemon,
        new Step("new $S/f.raw; rsync -a $S/ $U/", "f.raw"),
        new Step("new $S/f.raw 1400; rsync -a $S/ $U/", "f.raw"),
        new Step("new $S/f.raw 1500; rsync -a --inplace $S/ $U/", "f.raw"),
        new Step("new $S/f.raw 1600; rsync -a --partial-dir=.rp $S/ $U/", "f.raw"),
        new Step("""
            new $S/f.raw 4194304; touch started; rsync -a --bwlimit=2m $S/ $U/ & sender=$!
            midway "$D/.f.raw.??????"; kill -KILL $sender; wait $sender || true
            until ! ls $D/.f.raw.?????? >/dev/null 2>&1; do sleep 0.02; done
            """),
        new Step("rsync -a $S/ $U/", "f.raw"));

    [ProgramFact("sshd", "scp", "sftp", "ssh-keygen")]
    public void Scp_sftp_and_rsync_over_ssh_run_once_for_each_version() => Run(
        Ssh,
        new Step("new $S/f.raw 300000; scp -q -P PORT $O $S/f.raw $H:$D/", "f.raw"),
        new Step("new $S/f.raw 200000; scp -qp -P PORT $O $S/f.raw $H:$D/", "f.raw"),
        new Step("new $S/f.raw 100000; scp -q -O -P PORT $O $S/f.raw $H:$D/", "f.raw"),
        new Step("echo \"put $S/f.raw $D/s.raw\" | sftp -q -P PORT $O -b - $H", "s.raw"),
        new Step("""
            printf "put $S/f.raw $D/s2.raw.part\nrename $D/s2.raw.part $D/s2.raw\n" | sftp -q -P PORT $O -b - $H
            printf "put $S/f.raw $D/s3.raw.filepart\nrename -l $D/s3.raw.filepart $D/s3.raw\n" |
                sftp -q -P PORT $O -b - $H
            """, "s2.raw", "s3.raw"),
        new Step("rsync -a -e \"ssh -p PORT $O\" $S/f.raw $H:$D/rs.raw", "rs.raw"));

    [ProgramFact("curl", "wget", "lftp")]
    public void Curl_wget_and_lftp_run_once_for_each_version()
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
        listener.Start();
        byte[] content = new byte[3_000_000];
        Random.Shared.NextBytes(content);
        Task server = Task.Run(() => ServeAsync(listener, content));
        Run(
            "U=http://127.0.0.1:PORT/f.raw\n",
            new Step("curl -sf -o $D/c.raw $U", "c.raw"),
            new Step("curl -sf -o $D/c.raw $U", "c.raw"),
            new Step("curl -sfR -o $D/c2.raw $U", "c2.raw"),
            new Step("wget -q -O $D/w.raw $U; cd $D; wget -q $U", "w.raw", "f.raw"),
            new Step("cd $D; lftp -c \"set xfer:use-temp-file no; get $U -o l.raw\"", "l.raw"),
            new Step("cd $D; lftp -c \"set xfer:use-temp-file yes; get $U -o l2.raw\"", "l2.raw"));
        listener.Stop();
        Assert.True(server.Wait(Wait.Bound));
    }

    private static async Task ServeAsync(HttpListener listener, byte[] content)
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await listener.GetContextAsync();
                context.Response.ContentLength64 = content.Length;
                context.Response.AddHeader("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT");
                if (context.Request.HttpMethod != "HEAD")
                    await context.Response.OutputStream.WriteAsync(content);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // The listener was stopped.
        }
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private void Run(string before, params Step[] steps)
    {
        string port = _port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        fixture.Run([.. steps.Select(step =>
            step with { Script = (before + step.Script).Replace("PORT", port, StringComparison.Ordinal) })]);
    }
}
