#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>
    /// The golden conversations, played by a scripted server: the C# client says what the log's client said, hears what it heard, in
    /// the same order, and resumes where it resumed.
    /// </summary>
    internal sealed class GoldenTests
    {
        private static readonly JsonParser _parser = new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
        private ulong _heard;

        private static string Folder => Path.Combine(PythonServer.Root, "tests", "golden", "live");

        [TestCase("five_turns")]
        [TestCase("push_to_talk")]
        [TestCase("resumed")]
        public async Task A_golden_conversation_goes_as_it_went(string name)
        {
            var entries = File.ReadLines(Path.Combine(Folder, name + ".jsonl")).Select(line => new Entry(line)).ToList();
            var expected = entries.Where(entry => entry.Said is { EventSeq: > 0 }).Select(entry => Wire.Event(entry.Said!)!).ToList();
            Assert.That(expected.Select(said => said.Seq), Is.EqualTo(Enumerable.Range(1, expected.Count).Select(seq => (ulong)seq)));
            _heard = 0;
            var (streams, faults) = (0, new List<string>());
            await using var host = await GrpcHost.StartAsync(async call =>
            {
                var stream = Interlocked.Increment(ref streams);
                await PlayAsync(call, entries.Where(entry => entry.Stream == stream), faults);
            });
            var settings = new ClientSettings
            {
                Address = host.Address,
                Time = new HurriedTime(),
                Stall = TimeSpan.FromHours(1),
            };
            using var client = new ScenewrightClient(settings);
            await using var talk = await client.ConverseAsync(Setup(entries[0].Asked!.Setup));
            var heard = new List<string>();
            ulong sent = 0;
            foreach (var entry in entries)
            {
                if (entry.Said is { EventSeq: > 0 } said && said.EventSeq > _heard)
                {
                    heard.Add(Show(await NextAsync(talk, said.EventSeq)));
                    Interlocked.Exchange(ref _heard, said.EventSeq);
                }
                else if (entry.Asked is { ClientSeq: > 0 } asked && asked.ClientSeq > sent)
                {
                    sent = await SendAsync(talk, asked, entry);
                    Assert.That(sent, Is.EqualTo(asked.ClientSeq));
                }
                else if (entry.End == "HALF_CLOSE")
                {
                    talk.Finish();
                }
            }

            await talk.Completion;
            Assert.That(faults, Is.Empty);
            Assert.That(heard, Is.EqualTo(expected.Select(Show)));
            Assert.That(talk.Connections, Is.EqualTo(entries.Max(entry => entry.Stream)));
        }

        private static ConversationSetup Setup(V1.ConverseSetup setup) => new ConversationSetup
        {
            SampleRateHz = (int)setup.SampleRateHz,
            Turns = setup.TurnDetection == V1.TurnDetection.Manual ? TurnTaking.Manual : TurnTaking.Automatic,
        };

        private static async Task<LiveEvent> NextAsync(Conversation talk, ulong seq)
        {
            using var patience = new CancellationTokenSource(Talking.Patience);
            await foreach (var said in talk.ReadAsync(patience.Token))
            {
                if (said.Seq > 0)
                {
                    Assert.That(said.Seq, Is.EqualTo(seq));
                    return said;
                }
            }

            throw new AssertionException($"the conversation ended before event {seq}");
        }

        private static async Task<ulong> SendAsync(Conversation talk, V1.ConverseRequest asked, Entry entry)
        {
            switch (asked.MessageCase)
            {
                case V1.ConverseRequest.MessageOneofCase.Audio:
                    return await talk.SendAudioAsync(entry.Sound());
                case V1.ConverseRequest.MessageOneofCase.ActivityStart:
                    return await talk.StartActivityAsync();
                case V1.ConverseRequest.MessageOneofCase.ActivityEnd:
                    return await talk.EndActivityAsync();
                case V1.ConverseRequest.MessageOneofCase.Text:
                    return await talk.SendTextAsync(asked.Text.Text);
                case V1.ConverseRequest.MessageOneofCase.Interrupt:
                    return await talk.InterruptAsync();
                case V1.ConverseRequest.MessageOneofCase.PlaybackReport:
                    var report = asked.PlaybackReport;
                    var presented = new string('x', (int)report.PresentedChars);
                    return await talk.ReportPlaybackAsync(report.ResponseId, presented, report.Finished);
                case V1.ConverseRequest.MessageOneofCase.Image:
                    var frame = Frame.FromFile(File.ReadAllBytes(Path.Combine(Folder, entry.File("image.encoded"))));
                    frame.FrameId = asked.Image.FrameId;
                    return await talk.SendFrameAsync(frame);
                case V1.ConverseRequest.MessageOneofCase.SceneUpdate when asked.SceneUpdate.Delta is { } delta:
                    var upserts = delta.Upserts.Select(item => new SceneObject(item.Id, item.Label, default) { AnchorId = item.AnchorId });
                    return await talk.SendSceneAsync(
                        new SceneDelta(delta.BaseRevision, delta.Revision, upserts.ToArray(), delta.RemovedIds));
                default:
                    throw new AssertionException($"the log has a message that this test cannot send: {asked.MessageCase}");
            }
        }

        private async Task PlayAsync(GrpcCall call, IEnumerable<Entry> entries, List<string> faults)
        {
            ulong last = 0;
            foreach (var entry in entries)
            {
                last = Math.Max(last, entry.Said?.EventSeq ?? 0);
                if (entry.FromClient)
                {
                    var asked = await call.ReadAsync<V1.ConverseRequest>();
                    if (Fault(entry, asked) is { } fault)
                    {
                        faults.Add($"line {entry.Line}: {fault}");
                    }
                }
                else if (entry.Said != null)
                {
                    await call.WriteAsync(entry.Said);
                }
                else if (entry.End != "OK")
                {
                    // What was written must have arrived before the network breaks, as it had in the log.
                    await ConversationTests.UntilAsync(() => Interlocked.Read(ref _heard) >= last);
                    call.Abort();
                }
            }
        }

        private static string? Fault(Entry entry, V1.ConverseRequest? asked)
        {
            if (entry.Asked == null || asked == null)
            {
                return entry.Asked == null && asked == null ? null : $"expected {entry.Asked?.MessageCase}, got {asked?.MessageCase}";
            }

            var same = entry.Asked.MessageCase == asked.MessageCase
                && entry.Asked.ClientSeq == asked.ClientSeq
                && Equals(entry.Asked.Text, asked.Text)
                && Equals(entry.Asked.PlaybackReport, asked.PlaybackReport)
                && Equals(entry.Asked.Setup?.Resume, asked.Setup?.Resume)
                && (asked.Audio == null || asked.Audio.Data.Span.SequenceEqual(entry.Sound()));
            return same ? null : $"expected {entry.Asked}, got {asked}";
        }

        private static string Show(LiveEvent said) => said switch
        {
            Annotated a => $"{a.Seq} {a.ResponseId} {a.Annotation.Id} {a.Annotation.Label} {a.Annotation.Box} {a.Annotation.Spans.Count}",
            Problem p => $"{p.Seq} {p.Error.Code} {p.Error.Reason} {p.MessageSeq}",
            _ => said.ToString(),
        };

        /// <summary>One line of a log.</summary>
        private sealed class Entry
        {
            private readonly JsonElement _bytes;

            public Entry(string line)
            {
                var root = JsonDocument.Parse(line).RootElement;
                Stream = root.GetProperty("stream").GetInt32();
                FromClient = root.GetProperty("from").GetString() == "client";
                End = root.TryGetProperty("end", out var end) ? end.GetString()! : string.Empty;
                root.TryGetProperty("bytes", out _bytes);
                Line = line.Length > 200 ? line.Substring(0, 200) : line;
                if (root.TryGetProperty("message", out var message))
                {
                    Asked = FromClient ? _parser.Parse<V1.ConverseRequest>(message.GetRawText()) : null;
                    Said = FromClient ? null : _parser.Parse<V1.ConverseResponse>(message.GetRawText());
                }

            }

            public int Stream { get; }

            public bool FromClient { get; }

            public string End { get; }

            public string Line { get; }

            public V1.ConverseRequest? Asked { get; }

            public V1.ConverseResponse? Said { get; }

            public string File(string field) => _bytes.GetProperty(field).GetProperty("file").GetString()!;

            /// <summary>The samples of an audio message: from the log's WAV file, or zeros.</summary>
            public byte[] Sound()
            {
                var about = _bytes.GetProperty("audio.data");
                var count = about.GetProperty("n").GetInt32();
                if (!about.TryGetProperty("at", out var at))
                {
                    return new byte[count];
                }

                return System.IO.File.ReadAllBytes(Path.Combine(Folder, File("audio.data"))).AsSpan(44 + at.GetInt32(), count).ToArray();
            }
        }
    }
}
