#nullable enable
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Scenewright.Tests
{
    /// <summary>A network that a test can cut and hold up: a TCP proxy on loopback before a server.</summary>
    internal sealed class Proxy : IDisposable
    {
        private readonly TcpListener _listener = new TcpListener(IPAddress.Loopback, 0);
        private readonly List<Wire> _wires = new List<Wire>();
        private readonly IPEndPoint _target;
        private readonly CancellationTokenSource _stop = new CancellationTokenSource();
        private long _left = long.MaxValue;
        private Func<int>? _cutAfter;

        public Proxy(string target)
        {
            _target = IPEndPoint.Parse(target);
            _listener.Start();
            _ = AcceptAsync();
        }

        public string Address => _listener.LocalEndpoint.ToString()!;

        public int Cuts { get; private set; }

        /// <summary>How many bytes of the server to cut after, again and again; null: never.</summary>
        public Func<int>? CutAfter
        {
            get => _cutAfter;
            set
            {
                lock (_wires)
                {
                    _cutAfter = value;
                    _left = value?.Invoke() ?? long.MaxValue;
                }
            }
        }

        /// <summary>Break every link, without a goodbye; new ones may be made.</summary>
        public void Cut()
        {
            lock (_wires)
            {
                Cuts += _wires.Count > 0 ? 1 : 0;
                _wires.ForEach(wire => wire.Close());
                _wires.Clear();
                _left = CutAfter?.Invoke() ?? long.MaxValue;
            }
        }

        /// <summary>Hold every byte of the links there are; nobody is told. New links pass theirs.</summary>
        public void Stall()
        {
            lock (_wires)
            {
                _wires.ForEach(wire => wire.Hold());
            }
        }

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Stop();
            Cut();
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    var near = await _listener.AcceptSocketAsync(_stop.Token);
                    var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await far.ConnectAsync(_target);
                    var wire = new Wire(near, far);
                    lock (_wires)
                    {
                        _wires.Add(wire);
                    }

                    _ = PassAsync(wire, near, far, counted: false);
                    _ = PassAsync(wire, far, near, counted: true);
                }
                catch (Exception over) when (IsOver(over))
                {
                    // That link was broken before it was made.
                }
            }
        }

        private async Task PassAsync(Wire wire, Socket from, Socket to, bool counted)
        {
            var block = new byte[16_384];
            try
            {
                while (true)
                {
                    var count = await from.ReceiveAsync(block, SocketFlags.None);
                    await wire.Flowing;
                    var cut = counted && Spend(ref count);
                    if (count == 0)
                    {
                        wire.Close();
                        return;
                    }

                    await to.SendAsync(block.AsMemory(0, count), SocketFlags.None);
                    if (cut)
                    {
                        Cut();
                        return;
                    }
                }
            }
            catch (Exception over) when (IsOver(over))
            {
                wire.Close();
            }
        }

        private static bool IsOver(Exception error) =>
            error is OperationCanceledException || error is SocketException || error is ObjectDisposedException;

        private bool Spend(ref int count)
        {
            lock (_wires)
            {
                var cut = count >= _left;
                count = (int)Math.Min(count, _left);
                _left -= _left == long.MaxValue ? 0 : count;
                return cut;
            }
        }

        private sealed class Wire
        {
            private readonly Socket _near;
            private readonly Socket _far;
            private volatile TaskCompletionSource<bool>? _held;

            public Wire(Socket near, Socket far)
            {
                (_near, _far) = (near, far);
                near.NoDelay = far.NoDelay = true;
            }

            public Task Flowing => _held?.Task ?? Task.CompletedTask;

            public void Hold() => _held = new TaskCompletionSource<bool>();

            public void Close()
            {
                _near.Close(0);
                _far.Close(0);
                _held?.TrySetResult(true);
            }
        }
    }
}
