#nullable enable
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>Conversations over networks that break, stall and wait, against a server that keeps the contract.</summary>
    internal sealed class ConversationTests
    {
        private HonestServer _server = null!;
        private GrpcHost _host = null!;

        [SetUp]
        public async Task StartAsync()
        {
            _server = new HonestServer();
            _host = await GrpcHost.StartAsync(_server.ConverseAsync);
        }

        [TearDown]
        public async Task StopAsync() => await _host.DisposeAsync();

        [Test]
        public async Task Two_hundred_random_cuts_lose_and_double_nothing()
        {
            using var proxy = new Proxy(_host.Address);
            var never = TimeSpan.FromDays(1);
            var settings = new ClientSettings { Address = proxy.Address, Time = new HurriedTime(), Timeout = never, Stall = never };
            using var client = new ScenewrightClient(settings);
            var dice = new Dice(1);
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            proxy.CutAfter = () => 900 + dice.Below(1600);
            var sound = new byte[640];
            var (seq, turn, cuts) = (0UL, 0, 0);
            for (; proxy.Cuts < 200; turn++)
            {
                var question = string.Join(" ", Enumerable.Range(0, 40).Select(i => $"w{turn}.{i}"));
                await talk.SendAudioAsync(sound);
                await talk.SendTextAsync(question);
                var heard = new List<LiveEvent>();
                Assert.That(await Talking.AnswerAsync(talk, heard), Is.EqualTo(question + " "));
                foreach (var said in heard.Where(said => said.Seq > 0))
                {
                    Assert.That(said.Seq, Is.EqualTo(++seq));
                }

                cuts += heard.OfType<Disconnected>().Count();
            }

            Assert.That(cuts, Is.GreaterThan(100));
            Assert.That(_server.Begun, Is.EqualTo(1));
            Assert.That(_server.Taken["Text"], Is.EqualTo(turn));
            Assert.That(_server.AudioBytes, Is.EqualTo(turn * sound.Length));
        }

        [Test]
        public async Task A_stalled_connection_is_given_up_for_another()
        {
            using var proxy = new Proxy(_host.Address);
            var settings = new ClientSettings { Address = proxy.Address, Stall = TimeSpan.FromSeconds(0.3) };
            using var client = new ScenewrightClient(settings);
            await using var talk = await client.ConverseAsync(new ConversationSetup { SampleRateHz = 0 });
            Assert.That(await Talking.AnswerAsync(talk, "one two"), Is.EqualTo("one two "));
            proxy.Stall();
            Assert.That(await Talking.AnswerAsync(talk, "three four"), Is.EqualTo("three four "));
            Assert.That(talk.Connections, Is.GreaterThanOrEqualTo(2));
        }

        [Test]
        public async Task What_is_asked_in_the_background_is_answered_after_it()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            Assert.That(await Talking.AnswerAsync(talk, "one"), Is.EqualTo("one "));
            talk.Pause();
            await UntilAsync(() => _server.Open == 0);
            await talk.SendTextAsync("two");
            Assert.That(talk.TryRead(out _), Is.False);
            talk.Resume();
            Assert.That(await Talking.AnswerAsync(talk), Is.EqualTo("two "));
            Assert.That(talk.Connections, Is.EqualTo(2));
            Assert.That(_server.Begun, Is.EqualTo(1));
        }

        [Test]
        public async Task A_pause_of_any_length_loses_nothing()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            for (var i = 0; i < 50; i++)
            {
                await talk.SendTextAsync($"one {i}");
                talk.Pause();
                await Task.Delay(i % 5);
                talk.Resume();
                Assert.That(await Talking.AnswerAsync(talk), Is.EqualTo($"one {i} "));
            }

            Assert.That(_server.Begun, Is.EqualTo(1));
        }

        [Test]
        public async Task Play_that_stops_in_the_middle_of_an_answer_leaves_nothing_within_100_ms()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await (await client.ConverseAsync(new ConversationSetup())).DisposeAsync();
            var slowest = TimeSpan.Zero;
            _server.BetweenWords = stop => Task.Delay(20, stop);
            for (var i = 0; i < 10; i++)
            {
                var talk = await client.ConverseAsync(new ConversationSetup());
                await talk.SendTextAsync(string.Join(" ", Enumerable.Repeat("word", 500)));
                await Talking.FirstAsync<Words>(talk);
                var reading = Talking.FirstAsync<ResponseEnded>(talk);
                var watch = Stopwatch.StartNew();
                await talk.DisposeAsync();
                slowest = slowest < watch.Elapsed ? watch.Elapsed : slowest;
                Assert.That(talk.Completion.IsCompletedSuccessfully, Is.True);
                await Talking.FailureAsync<AssertionException>(() => reading);
            }

            Assert.That(slowest.TotalMilliseconds, Is.LessThan(100));
            await UntilAsync(() => _server.Open == 0);
        }

        [Test]
        public async Task Nothing_that_runs_or_waits_holds_a_conversation_that_was_stopped()
        {
            // Threads, waiting tasks and timers are roots: with waits of a day, only what was ended lets go.
            var day = TimeSpan.FromDays(1);
            var settings = new ClientSettings { Address = _host.Address, Timeout = day, Stall = day };
            using var client = new ScenewrightClient(settings);
            _server.BetweenWords = stop => Task.Delay(20, stop);
            var stopped = await StopAsync(client);
            await UntilAsync(() =>
            {
                GC.Collect();
                return !stopped.IsAlive;
            });

            static async Task<WeakReference> StopAsync(ScenewrightClient client)
            {
                var talk = await client.ConverseAsync(new ConversationSetup());
                await talk.SendTextAsync(string.Join(" ", Enumerable.Repeat("word", 500)));
                await Talking.FirstAsync<Words>(talk);
                var reading = Talking.FirstAsync<ResponseEnded>(talk);
                await talk.DisposeAsync().AsTask().WaitAsync(Talking.Patience);
                await Talking.FailureAsync<AssertionException>(() => reading);
                return new WeakReference(talk);
            }
        }

        [Test]
        public async Task A_conversation_that_finishes_is_answered_to_its_end()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            await talk.SendTextAsync("one two three");
            talk.Finish();
            var words = string.Empty;
            await foreach (var said in talk.ReadAsync())
            {
                words += (said as Words)?.Text;
            }

            Assert.That(words, Is.EqualTo("one two three "));
            await talk.Completion;
            await Talking.FailureAsync<EndedException>(async () => await talk.SendTextAsync("is anyone there"));
            Assert.That(talk.TryRead(out _), Is.False);
        }

        [Test]
        public async Task Frames_are_released_once_when_the_server_has_them_or_nobody_will()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            var talk = await client.ConverseAsync(new ConversationSetup());
            var released = 0;
            for (var i = 0; i < 5; i++)
            {
                await talk.SendFrameAsync(Plane(new byte[600], () => Interlocked.Increment(ref released)));
            }

            await UntilAsync(() => talk.FramesKept == 0);
            Assert.That(released, Is.EqualTo(5));
            talk.Pause();
            await talk.SendFrameAsync(Plane(new byte[600], () => Interlocked.Increment(ref released)));
            Assert.That(talk.FramesKept, Is.EqualTo(1));
            await talk.DisposeAsync();
            Assert.That(released, Is.EqualTo(6));
            await Talking.FailureAsync<EndedException>(
                async () => await talk.SendFrameAsync(Plane(new byte[600], () => Interlocked.Increment(ref released))));
            Assert.That(released, Is.EqualTo(7));
        }

        [Test]
        public async Task Ten_thousand_frames_leave_the_heap_as_two_hundred_do_and_copy_little()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            var pixels = new byte[48 * 1024];
            var (after200, allocated) = (0L, 0L);
            for (var i = 1; i <= 10_000; i++)
            {
                await talk.SendFrameAsync(Plane(pixels, null));
                if (i % 50 == 0)
                {
                    await UntilAsync(() => talk.FramesKept == 0);
                }

                if (i == 200)
                {
                    after200 = GC.GetTotalMemory(forceFullCollection: true);
                    allocated = GC.GetTotalAllocatedBytes(precise: true);
                }
            }

            TestContext.WriteLine($"{(GC.GetTotalAllocatedBytes(precise: true) - allocated) / 9_800} bytes a frame of {pixels.Length}, client and server");
            Assert.That(GC.GetTotalMemory(forceFullCollection: true) - after200, Is.LessThan(8 << 20));
            Assert.That(_server.Taken["Image"], Is.EqualTo(10_000));
        }

        [Test]
        public async Task A_minute_of_sound_and_five_frames_a_second_allocate_little_beside_what_is_sent()
        {
            var settings = new ClientSettings { Address = _host.Address, Time = new HurriedTime(), Stall = TimeSpan.FromDays(1) };
            using var client = new ScenewrightClient(settings);
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            var (pixels, sound) = (new byte[48 * 1024], new byte[1280]);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var block = 0; block < 60 * 25; block++)
            {
                await talk.SendAudioAsync(sound);
                if (block % 5 == 0)
                {
                    await talk.SendFrameAsync(Plane(pixels, null));
                    await UntilAsync(() => talk.FramesKept == 0);
                }
            }

            var aSecond = (GC.GetTotalAllocatedBytes(precise: true) - before) / 60;
            var sent = (25 * sound.Length) + (5 * pixels.Length);
            TestContext.WriteLine($"{aSecond} bytes a second for {sent} that are sent, client and server");
            Assert.That(aSecond, Is.LessThan(3 * sent));
        }

        [Test]
        public async Task A_newer_servers_events_are_ignored_and_said_once()
        {
            var said = new List<string>();
            await using var host = await GrpcHost.StartAsync(async call =>
            {
                await call.ReadAsync<V1.ConverseRequest>();
                await call.WriteAsync(new V1.ConverseResponse { SetupComplete = new V1.SetupComplete { ResumeHandle = "h", Contract = 9 } });
                for (ulong seq = 1; seq <= 3; seq++)
                {
                    // Field 99 holds an event of the future.
                    var bytes = new byte[] { 8, (byte)seq, 0x9A, 6, 1, 0 };
                    await call.WriteAsync(V1.ConverseResponse.Parser.ParseFrom(bytes));
                }

                var known = new V1.Interrupted { Cause = (V1.InterruptionCause)77 };
                await call.WriteAsync(new V1.ConverseResponse { EventSeq = 4, ResponseEvent = new V1.ResponseEvent() });
                await call.WriteAsync(new V1.ConverseResponse { EventSeq = 5, Interrupted = known });
            });
            var settings = new ClientSettings { Address = host.Address, Warn = said.Add };
            using var client = new ScenewrightClient(settings);
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            Assert.That((await Talking.FirstAsync<Interrupted>(talk)).Cause, Is.EqualTo(InterruptionCause.Unknown));
            Assert.That(said, Has.Count.EqualTo(1));
            Assert.That(said[0], Does.Contain("does not know"));
        }

        [Test]
        public async Task An_older_server_is_told_of()
        {
            var said = new List<string>();
            _server.Contract = 0;
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address, Warn = said.Add });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            Assert.That(said.Single(), Does.Contain("older").And.Contain("contract 0"));
        }

        [Test]
        public async Task A_gap_in_the_events_ends_the_conversation_for_readers_and_senders()
        {
            await using var host = await GrpcHost.StartAsync(async call =>
            {
                await call.ReadAsync<V1.ConverseRequest>();
                await call.WriteAsync(new V1.ConverseResponse { SetupComplete = new V1.SetupComplete { ResumeHandle = "h" } });
                await call.WriteAsync(new V1.ConverseResponse { EventSeq = 2, SpeechStarted = new V1.SpeechStarted() });
                await call.ReadAsync<V1.ConverseRequest>();
            });
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            var error = await Talking.FailureAsync<ServerException>(() => Talking.FirstAsync<Words>(talk));
            Assert.That(error.Message, Does.Contain("event 2 came after event 0"));
            await Talking.FailureAsync<ServerException>(async () => await talk.SendTextAsync("hello"));
            Assert.Throws<ServerException>(() => talk.TryRead(out _));
        }

        [Test]
        public async Task A_setup_that_is_refused_fails_at_once_with_the_servers_reason()
        {
            await using var host = await GrpcHost.StartAsync(async call =>
            {
                await call.ReadAsync<V1.ConverseRequest>();
                call.Fail(3, "sample_rate_hz: 700 is not within 8000 to 48000", PatienceTests.Status(
                    PatienceTests.Any("google.rpc.ErrorInfo", PatienceTests.Info("FIELD_INVALID", ("field", "sample_rate_hz")))));
            });
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            var error = await Talking.FailureAsync<InvalidInputException>(
                () => client.ConverseAsync(new ConversationSetup { SampleRateHz = 700 }));
            Assert.That((error.Reason, error.Metadata["field"], error.Code), Is.EqualTo(("FIELD_INVALID", "sample_rate_hz", "INVALID_ARGUMENT")));
            Assert.That(error.Message, Does.StartWith("sample_rate_hz: 700"));
        }

        [Test]
        public async Task Sound_that_cannot_be_sent_is_refused_before_it_is()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = _host.Address });
            await using var mute = await client.ConverseAsync(new ConversationSetup { SampleRateHz = 0 });
            await Talking.FailureAsync<InvalidInputException>(async () => await mute.SendAudioAsync(new byte[2]));
            await using var talk = await client.ConverseAsync(new ConversationSetup());
            await Talking.FailureAsync<InvalidInputException>(async () => await talk.SendAudioAsync(new byte[3]));
        }

        [Test]
        public async Task Beginning_can_be_cancelled()
        {
            await using var host = await GrpcHost.StartAsync(call => Task.Delay(-1, call.Gone));
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            using var cancel = new CancellationTokenSource(100);
            await Talking.FailureAsync<OperationCanceledException>(() => client.ConverseAsync(new ConversationSetup(), cancel.Token));
        }

        internal static Frame Plane(byte[] pixels, Action? release)
        {
            var frame = Frame.FromPixels(PixelLayout.Rgb24, 1, pixels.Length / 3, new[] { new PixelPlane(pixels) });
            frame.Release = release;
            return frame;
        }

        internal static async Task UntilAsync(Func<bool> condition)
        {
            var watch = Stopwatch.StartNew();
            while (!condition())
            {
                Assert.That(watch.Elapsed, Is.LessThan(Talking.Patience));
                await Task.Delay(1);
            }
        }
    }
}
