#nullable enable
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf.WellKnownTypes;

namespace Scenewright.Tests
{
    /// <summary>
    /// Conversations as the contract has them, kept simple: a typed turn is answered with its own words, one event a word;
    /// events are numbered, kept and sent again to whoever resumes.
    /// </summary>
    internal sealed class HonestServer
    {
        private readonly ConcurrentDictionary<string, Talk> _talks = new ConcurrentDictionary<string, Talk>();

        /// <summary>Conversations that were begun.</summary>
        public int Begun => _talks.Count;

        /// <summary>Messages that were taken in, by kind.</summary>
        public ConcurrentDictionary<string, int> Taken { get; } = new ConcurrentDictionary<string, int>();

        /// <summary>Bytes of sound that were taken in.</summary>
        public long AudioBytes { get; private set; }

        /// <summary>Calls that are open.</summary>
        public int Open => Volatile.Read(ref _open);

        /// <summary>The contract that the server says it speaks.</summary>
        public uint Contract { get; set; } = Wire.Contract;

        /// <summary>Waits between two words of an answer; none unless given.</summary>
        public Func<CancellationToken, Task> BetweenWords { get; set; } = _ => Task.CompletedTask;

        private int _open;

        public async Task ConverseAsync(GrpcCall call)
        {
            Interlocked.Increment(ref _open);
            try
            {
                await ServeAsync(call);
            }
            finally
            {
                Interlocked.Decrement(ref _open);
            }
        }

        private async Task ServeAsync(GrpcCall call)
        {
            var first = await call.ReadAsync<V1.ConverseRequest>();
            if (first?.Setup == null)
            {
                return;
            }

            var talk = new Talk();
            if (first.Setup.Resume is { } resume && !_talks.TryGetValue(resume.Handle, out talk))
            {
                call.Fail(5, "no such handle", PatienceTests.Status(
                    PatienceTests.Any("google.rpc.ErrorInfo", PatienceTests.Info("SESSION_NOT_FOUND"))));
                return;
            }

            _talks[talk!.Handle] = talk;
            var last = first.Setup.Resume?.LastEventSeq ?? 0;
            var stop = talk.TakeOver(call.Gone);
            await call.WriteAsync(new V1.ConverseResponse
            {
                SetupComplete = new V1.SetupComplete
                {
                    SessionId = talk.Handle,
                    ResumeHandle = talk.Handle,
                    LastConsumedClientSeq = talk.Consumed,
                    ResumeTtl = Duration.FromTimeSpan(TimeSpan.FromDays(1)),
                    Model = "honest",
                    ServerVersion = "0.0",
                    Contract = Contract,
                },
            });
            var writing = SendAsync(call, talk, last, stop.Token);
            try
            {
                while (await call.ReadAsync<V1.ConverseRequest>() is { } message)
                {
                    Take(talk, message);
                }

                talk.End();
                await writing;
            }
            finally
            {
                stop.Cancel();
            }
        }

        private void Take(Talk talk, V1.ConverseRequest message)
        {
            lock (talk)
            {
                if (message.ClientSeq <= talk.Consumed)
                {
                    throw new InvalidOperationException($"{message.ClientSeq} came after {talk.Consumed}");
                }

                talk.Consumed = message.ClientSeq;
                Taken.AddOrUpdate(message.MessageCase.ToString(), 1, (_, count) => count + 1);
                AudioBytes += message.Audio?.Data.Length ?? 0;
                if (message.Audio == null || ++talk.Sounds % Outbox.AcknowledgedEvery == 0)
                {
                    talk.Owes = true;
                }

                if (message.Text != null)
                {
                    talk.Ask(message.Text.Text);
                }

                talk.Changed.Pulse();
            }
        }

        private async Task SendAsync(GrpcCall call, Talk talk, ulong last, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                var changed = talk.Changed.Next;
                V1.ConverseResponse? next;
                bool ended;
                lock (talk)
                {
                    next = talk.Owes ? Update(talk) : (int)last < talk.Events.Count ? talk.Events[(int)last].Clone() : null;
                    talk.Owes = false;
                    ended = talk.Ended;
                }

                if (next != null)
                {
                    last = next.EventSeq > 0 ? next.EventSeq : last;
                    await call.WriteAsync(next);
                    await BetweenWords(stop);
                }
                else if (ended)
                {
                    return;
                }
                else
                {
                    await Clock.Until(changed, stop);
                }
            }
        }

        private static V1.ConverseResponse Update(Talk talk) => new V1.ConverseResponse
        {
            ResumeUpdate = new V1.ResumeUpdate { LastConsumedClientSeq = talk.Consumed },
        };

        private sealed class Talk
        {
            private CancellationTokenSource? _stream;
            private int _turns;

            public string Handle { get; } = Guid.NewGuid().ToString();

            public List<V1.ConverseResponse> Events { get; } = new List<V1.ConverseResponse>();

            public Signal Changed { get; } = new Signal();

            public ulong Consumed { get; set; }

            public int Sounds { get; set; }

            public bool Owes { get; set; }

            public bool Ended { get; private set; }

            public CancellationTokenSource TakeOver(CancellationToken gone)
            {
                lock (this)
                {
                    _stream?.Cancel();
                    return _stream = CancellationTokenSource.CreateLinkedTokenSource(gone);
                }
            }

            public void End()
            {
                lock (this)
                {
                    Ended = true;
                    Changed.Pulse();
                }
            }

            public void Ask(string text)
            {
                var response = $"r{++_turns}";
                Add(response, new V1.ConverseResponse
                {
                    ResponseStarted = new V1.ResponseStarted { Question = new V1.Question { Text = text } },
                });
                foreach (var word in text.Split(' '))
                {
                    Add(response, Piece(new V1.ResponseEvent { TextDelta = new V1.TextDelta { Text = word + " " } }));
                }

                Add(response, Piece(new V1.ResponseEvent
                {
                    Done = new V1.ResponseDone { FinishReason = V1.FinishReason.Completed },
                }));
            }

            private static V1.ConverseResponse Piece(V1.ResponseEvent piece) => new V1.ConverseResponse { ResponseEvent = piece };

            private void Add(string response, V1.ConverseResponse said)
            {
                said.EventSeq = (ulong)Events.Count + 1;
                said.TurnIndex = (uint)_turns;
                said.ResponseId = response;
                Events.Add(said);
            }
        }
    }
}
