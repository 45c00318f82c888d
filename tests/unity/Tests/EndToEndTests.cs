#nullable enable
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>The real server with the embedded model, asked by C# and by the Python SDK.</summary>
    internal sealed class EndToEndTests
    {
        private const int Bytes100Ms = 3200;
        private PythonServer _server = null!;
        private ScenewrightClient _client = null!;
        private Process _python = null!;

        [OneTimeSetUp]
        public async Task StartAsync()
        {
            _server = await PythonServer.StartAsync();
            _client = new ScenewrightClient(new ClientSettings { Address = _server.Address });
            var script = Path.Combine(PythonServer.Root, "tests", "unity", "Tests", "answers.py");
            var start = new ProcessStartInfo(PythonServer.Python, $"{script} {_server.Address}")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                WorkingDirectory = PythonServer.Root,
            };
            _python = Process.Start(start)!;
        }

        [OneTimeTearDown]
        public async Task StopAsync()
        {
            _python.StandardInput.Close();
            await _python.WaitForExitAsync();
            _python.Dispose();
            _client.Dispose();
            await _server.DisposeAsync();
        }

        [Test]
        public async Task The_model_and_its_bounds_are_told()
        {
            var models = await _client.ListModelsAsync();
            Assert.That(models[0].Name, Is.EqualTo("diorama"));
            Assert.That(models[0].Contract, Is.GreaterThanOrEqualTo(Wire.Contract));
            Assert.That(models[0].Hears && models[0].Sees, Is.True);
            Assert.That((await _client.GetModelAsync()).MaxSceneObjects, Is.EqualTo(models[0].MaxSceneObjects));
        }

        [TestCase(true, false)]
        [TestCase(false, true)]
        [TestCase(true, true)]
        public async Task A_description_is_what_the_python_sdk_gets(bool withImage, bool withScene)
        {
            var said = await _client.DescribeAsync(withImage ? Room() : null, withScene ? Graph() : null);
            var expected = await PythonAsync(null, null, withImage, withScene);
            Assert.That(said.Text, Is.EqualTo(expected.Text));
            Assert.That(said.Annotations, Is.Not.Empty);
            var streamed = string.Empty;
            await foreach (var piece in _client.StreamDescribeAsync(withImage ? Room() : null, withScene ? Graph() : null))
            {
                streamed += piece.Text;
            }

            Assert.That(streamed, Is.EqualTo(said.Text));
        }

        [TestCase("what colour is the chair")]
        [TestCase("where is the barrel")]
        [TestCase("what do you see")]
        public async Task A_typed_question_is_answered_as_in_python(string question)
        {
            var answer = await _client.AskAsync(question, new AskOptions { Frame = Room() });
            Assert.That(answer.Text, Is.EqualTo((await PythonAsync(question, null, true, false)).Text));
            Assert.That(answer.Question!.Text, Is.EqualTo(question));
        }

        [TestCase("what_colour_is_the_chair.wav")]
        [TestCase("where_is_the_barrel.wav")]
        public async Task A_spoken_question_is_answered_as_in_python(string file)
        {
            var recording = Recording.FromFile(await File.ReadAllBytesAsync(PythonServer.Example(file)));
            var answer = await _client.AskAsync(recording, new AskOptions { Frame = Room() });
            Assert.That(answer.Text, Is.EqualTo((await PythonAsync(null, file, true, false)).Text));
            Assert.That(answer.Question!.Spoken, Is.True);
            var said = await _client.TranscribeAsync(Recording.FromPcm(Sound(file), 16_000));
            Assert.That(said.Text, Is.EqualTo(answer.Question.Text));
        }

        [Test]
        public async Task A_conversation_hears_a_voice_at_real_pace_and_is_interrupted_by_text()
        {
            await using var talk = await _client.ConverseAsync(new ConversationSetup { Frame = Room() });
            await talk.SendTextAsync("what do you see");
            await talk.SendTextAsync("what colour is the chair");
            var heard = new List<LiveEvent>();
            await Talking.AnswerAsync(talk, heard);
            Assert.That(heard.OfType<Interrupted>().Single().Cause, Is.EqualTo(InterruptionCause.Text));
            var typed = await Talking.AnswerAsync(talk);
            heard.Clear();
            var speaking = SpeakAsync(talk, "what_colour_is_the_chair.wav");
            Assert.That(await Talking.AnswerAsync(talk, heard), Is.EqualTo(typed));
            Assert.That(heard.OfType<SpeechStarted>().Count(), Is.EqualTo(1));
            Assert.That(heard.OfType<HeardSoFar>().Last().IsFinal, Is.True);
            await speaking;
        }

        [TestCase(InterruptedBy.Speech, 1)]
        [TestCase(InterruptedBy.Text, 0)]
        public async Task A_voice_interrupts_an_answer_unless_the_setup_forbids_it(InterruptedBy by, int expected)
        {
            await using var talk = await _client.ConverseAsync(new ConversationSetup { Frame = Room(), InterruptedBy = by });
            await talk.SendTextAsync("what do you see");
            await Talking.FirstAsync<ResponseStarted>(talk);
            await talk.SendAudioAsync(Sound("where_is_the_barrel.wav").Concat(new byte[Bytes100Ms * 10]).ToArray());
            var heard = new List<LiveEvent>();
            while (!heard.OfType<ResponseStarted>().Any(said => said.Question.Spoken))
            {
                await Talking.AnswerAsync(talk, heard);
            }

            Assert.That(heard.OfType<Interrupted>().Count(said => said.Cause == InterruptionCause.Speech), Is.EqualTo(expected));
            Assert.That(heard.OfType<SpeechStarted>().Count(), Is.EqualTo(1));
        }

        [TestCase(false, 0)]
        [TestCase(true, 1)]
        public async Task A_reply_read_aloud_does_not_interrupt_itself_and_a_user_with_a_headset_does(bool headset, int expected)
        {
            await using var talk = await _client.ConverseAsync(new ConversationSetup { Frame = Room() });
            var rule = new ListeningRule { HeadsetOn = headset };
            var passedOn = new List<byte>();
            var feed = new MicrophoneFeed(16_000, 1, 16_000, rule, block => passedOn.AddRange(block.ToArray()));
            rule.BeginReading();
            feed.Push(AtMinus10Decibels(Sound("where_is_the_barrel.wav")));
            feed.Push(new float[16_000]);
            rule.EndReading();
            await talk.SendTextAsync("what do you see");
            await Talking.FirstAsync<ResponseStarted>(talk);
            await talk.SendAudioAsync(passedOn.ToArray());
            var heard = new List<LiveEvent>();
            await Talking.AnswerAsync(talk, heard);
            await talk.SendTextAsync("what colour is the chair");
            while (!heard.OfType<ResponseStarted>().Any(said => !said.Question.Spoken))
            {
                await Talking.AnswerAsync(talk, heard);
            }

            Assert.That(heard.OfType<Interrupted>().Count(said => said.Cause == InterruptionCause.Speech), Is.EqualTo(expected));
            Assert.That(heard.OfType<SpeechStarted>().Count(), Is.EqualTo(expected));
        }

        [Test]
        public async Task The_scene_changes_the_user_walks_and_points()
        {
            var diff = new SceneDiff();
            var (left, right) = (Thing("a", "red chair", -1, 3), Thing("b", "blue mug", 1, 3));
            var setup = new ConversationSetup { Scene = diff.Snapshot(new[] { left }), SampleRateHz = 0 };
            await using var talk = await _client.ConverseAsync(setup);
            Assert.That(await Talking.AnswerAsync(talk, "is there a mug"), Does.Contain("no").IgnoreCase);
            await talk.SendSceneAsync(diff.Delta(new[] { left, right })!);
            Assert.That(await Talking.AnswerAsync(talk, "is there a mug"), Does.Contain("yes").IgnoreCase);
            var before = await Talking.AnswerAsync(talk, "where is the mug");
            Assert.That(before, Does.Contain("right"));
            var behind = new WorldPose(new Vec3(0, 0, 6), Quat.About(new Vec3(0, 1, 0), MathF.PI));
            await talk.SendViewpointAsync(new Viewpoint(behind));
            Assert.That(await Talking.AnswerAsync(talk, "where is the mug"), Does.Contain("left"));
            await talk.SendPointerAsync(new WorldRay(new Vec3(0, 0, 6), new Vec3(1, 0, -3)), PointerKind.Gaze);
            var heard = new List<LiveEvent>();
            await talk.SendTextAsync("what is this");
            var pointed = await Talking.AnswerAsync(talk, heard);
            Assert.That(pointed, Does.Contain("mug"), string.Join("\n", heard));
            Assert.That(heard.OfType<Annotated>().Any(said => said.Annotation.ObjectId == "b"), Is.True);
        }

        [Test]
        public async Task A_cut_connection_is_resumed_and_the_answers_are_those_of_a_whole_one()
        {
            string[] questions = { "what do you see", "what colour is the chair", "where is the barrel" };
            var whole = new List<string>();
            await using (var talk = await _client.ConverseAsync(new ConversationSetup { Frame = Room() }))
            {
                foreach (var question in questions)
                {
                    whole.Add(await Talking.AnswerAsync(talk, question));
                }
            }

            using var proxy = new Proxy(_server.Address);
            using var client = new ScenewrightClient(new ClientSettings { Address = proxy.Address });
            await using var cut = await client.ConverseAsync(new ConversationSetup { Frame = Room() });
            var dice = new Dice(1);
            proxy.CutAfter = () => 500 + dice.Below(900);
            var broken = new List<string>();
            foreach (var question in questions)
            {
                broken.Add(await Talking.AnswerAsync(cut, question));
            }

            proxy.CutAfter = null;
            Assert.That(broken, Is.EqualTo(whole));
            Assert.That(cut.Connections, Is.GreaterThan(1));
        }

        [Test]
        public async Task What_is_wrong_is_refused_with_field_value_and_bound_and_the_rest_goes_on()
        {
            var empty = await Talking.FailureAsync<InvalidInputException>(
                () => _client.AskAsync(string.Empty, new AskOptions { Frame = Room() }));
            Assert.That(empty.Reason, Is.EqualTo("FIELD_REQUIRED").Or.EqualTo("FIELD_INVALID"));
            Assert.That(empty.Metadata.Keys, Does.Contain("field"));
            using var other = new ScenewrightClient(new ClientSettings { Address = _server.Address, Model = "nobody" });
            Assert.That((await Talking.FailureAsync<NotFoundException>(() => other.GetModelAsync())).Reason, Is.EqualTo("MODEL_NOT_FOUND"));
            await using var talk = await _client.ConverseAsync(new ConversationSetup { Frame = Room() });
            var seq = await talk.SendTextAsync(string.Empty);
            var problem = await Talking.FirstAsync<Problem>(talk);
            Assert.That((problem.MessageSeq, problem.Error), Is.EqualTo((seq, problem.Error)));
            Assert.That(problem.Error, Is.InstanceOf<InvalidInputException>());
            Assert.That(await Talking.AnswerAsync(talk, "what colour is the chair"), Is.Not.Empty);
        }

        [Test]
        public async Task A_stream_can_be_cancelled_and_a_session_remembers()
        {
            using var cancel = new CancellationTokenSource();
            await Talking.FailureAsync<OperationCanceledException>(async () =>
            {
                await foreach (var piece in _client.StreamDescribeAsync(Room(), null, string.Empty, cancel.Token))
                {
                    cancel.Cancel();
                }
            });
            var session = await _client.OpenSessionAsync(new SessionSetup { Language = "en" });
            await _client.AskAsync("what colour is the chair", new AskOptions { Frame = Room(), SessionId = session });
            var again = await _client.AskAsync("where is it", new AskOptions { SessionId = session });
            Assert.That(again.Annotations.Select(item => item.Label), Has.Some.Contains("chair"));
            await _client.CloseSessionAsync(session);
            await _client.CloseSessionAsync(session);
            var gone = await Talking.FailureAsync<NotFoundException>(
                () => _client.AskAsync("where is it", new AskOptions { SessionId = session }));
            Assert.That(gone.Reason, Does.StartWith("SESSION_"));
        }

        [Test]
        public async Task The_checker_of_live_logs_accepts_what_this_client_writes()
        {
            var path = Path.Combine(Path.GetTempPath(), $"scenewright-{Guid.NewGuid()}.jsonl");
            await using (var writer = new StreamWriter(path))
            {
                using var proxy = new Proxy(_server.Address);
                using var client = new ScenewrightClient(new ClientSettings { Address = proxy.Address });
                var setup = new ConversationSetup { Frame = Room(), Turns = TurnTaking.Manual, Log = new ConversationLog(writer) };
                await using var talk = await client.ConverseAsync(setup);
                await Talking.AnswerAsync(talk, "what do you see");
                proxy.Cut();
                await talk.StartActivityAsync();
                await talk.SendAudioAsync(Sound("where_is_the_barrel.wav"));
                await talk.EndActivityAsync();
                await Talking.AnswerAsync(talk);
                talk.Finish();
                await talk.Completion;
                Assert.That(talk.Connections, Is.EqualTo(2));
            }

            using var check = PythonServer.Run($"live --check {path}");
            var said = await check.StandardOutput.ReadToEndAsync() + await check.StandardError.ReadToEndAsync();
            await check.WaitForExitAsync();
            Assert.That(check.ExitCode, Is.EqualTo(0), said);
            File.Delete(path);
        }

        [Test]
        [Retry(3)] // a busy machine's noise is several per cent
        public async Task The_first_word_comes_as_soon_as_through_python()
        {
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var i = 0; i < 55; i++)
            {
                var watch = Stopwatch.StartNew();
                var first = 0.0;
                await foreach (var piece in _client.StreamAskAsync("what colour is the chair", new AskOptions { Frame = Room() }))
                {
                    first = first == 0 && piece.Text != null ? watch.Elapsed.TotalMilliseconds : first;
                }

                ours.Add(first);
                theirs.Add((await PythonAsync("what colour is the chair", null, true, false)).FirstMs);
            }

            var ratio = Median(ours.Skip(5)) / Median(theirs.Skip(5));
            TestContext.WriteLine($"first word: C# {Median(ours.Skip(5)):f1} ms, Python {Median(theirs.Skip(5)):f1} ms, ratio {ratio:f3}");
            Assert.That(ratio, Is.LessThan(1.15));
        }

        private static double Median(IEnumerable<double> values)
        {
            var sorted = values.OrderBy(value => value).ToArray();
            return sorted[sorted.Length / 2];
        }

        private static Frame Room()
        {
            var frame = Frame.FromFile(File.ReadAllBytes(PythonServer.Example("living_room.jpg")));
            frame.FrameId = "room";
            return frame;
        }

        private static SceneGraph Graph()
        {
            var proto = V1.SceneGraph.Parser.ParseJson(File.ReadAllText(PythonServer.Example("living_room.json")));
            var objects = proto.Objects.Select(item => new SceneObject(item.Id, item.Label, Pose(item.Pose))
            {
                AnchorId = item.AnchorId,
                Aliases = item.Aliases,
                Description = item.Description,
                Extents = item.Extents == null ? (Vec3?)null : Vector(item.Extents),
            });
            var viewpoint = proto.Viewpoint == null ? null : new Viewpoint(Pose(proto.Viewpoint.Pose), Lens(proto.Viewpoint.Intrinsics));
            return new SceneGraph(objects.ToArray()) { Revision = proto.Revision, Viewpoint = viewpoint };
        }

        private static Lens? Lens(V1.CameraIntrinsics? k) =>
            k == null ? null : new Lens(k.Fx, k.Fy, k.Cx, k.Cy, (int)k.Width, (int)k.Height);

        private static WorldPose Pose(V1.Pose pose)
        {
            var turn = pose.Rotation ?? new V1.Quaternion();
            return new WorldPose(Vector(pose.Position), new Quat(turn.X, turn.Y, turn.Z, turn.W));
        }

        private static Vec3 Vector(V1.Vector3? vector) => vector == null ? default : new Vec3(vector.X, vector.Y, vector.Z);

        private static SceneObject Thing(string id, string label, float x, float z) =>
            new SceneObject(id, label, new WorldPose(new Vec3(x, 0, z), Quat.None)) { Extents = new Vec3(0.5f, 0.5f, 0.5f) };

        private static byte[] Sound(string file) => File.ReadAllBytes(PythonServer.Example(file)).Skip(44).ToArray();

        /// <summary>Samples whose loudest is 10 dB below full scale.</summary>
        private static float[] AtMinus10Decibels(byte[] sound)
        {
            var samples = new float[sound.Length / 2];
            Pcm.ToFloats(sound, samples);
            var loudest = samples.Max(Math.Abs);
            return samples.Select(sample => sample * 0.316f / loudest).ToArray();
        }

        /// <summary>A voice, and silence after it, at the pace of a clock.</summary>
        private static async Task SpeakAsync(Conversation talk, string file)
        {
            var sound = Sound(file).Concat(new byte[Bytes100Ms * 10]).ToArray();
            var watch = Stopwatch.StartNew();
            for (var at = 0; at < sound.Length; at += Bytes100Ms)
            {
                await talk.SendAudioAsync(sound.AsMemory(at, Math.Min(Bytes100Ms, sound.Length - at) & ~1));
                var due = TimeSpan.FromMilliseconds(100.0 * ((at / Bytes100Ms) + 1)) - watch.Elapsed;
                await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero);
            }
        }

        private async Task<(string Text, double FirstMs)> PythonAsync(string? question, string? audio, bool withImage, bool withScene)
        {
            var wanted = new Dictionary<string, string>();
            Put("question", question);
            Put("audio", audio == null ? null : PythonServer.Example(audio));
            Put("image", withImage ? PythonServer.Example("living_room.jpg") : null);
            Put("scene", withScene ? PythonServer.Example("living_room.json") : null);
            await _python.StandardInput.WriteLineAsync(JsonSerializer.Serialize(wanted));
            await _python.StandardInput.FlushAsync();
            var line = await _python.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
            using var said = JsonDocument.Parse(line ?? throw new AssertionException("the Python side has ended"));
            return (said.RootElement.GetProperty("text").GetString()!, said.RootElement.GetProperty("first_ms").GetDouble());

            void Put(string key, string? value)
            {
                if (value != null)
                {
                    wanted[key] = value;
                }
            }
        }
    }
}
