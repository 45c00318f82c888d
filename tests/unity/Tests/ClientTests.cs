#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>Calls that go wrong: no server, another server, TLS, tokens, retries, cancelling.</summary>
    internal sealed class ClientTests
    {
        [TestCase("")]
        [TestCase("http://localhost:7447")]
        [TestCase("localhost:7447/path")]
        [TestCase("local host")]
        public void An_address_that_is_none_is_refused_at_once(string address) =>
            Assert.Throws<InvalidInputException>(() => _ = new ScenewrightClient(new ClientSettings { Address = address }));

        [Test]
        public async Task Where_no_server_is_that_is_said()
        {
            using var client = new ScenewrightClient(new ClientSettings { Address = "127.0.0.1:9", MaxAttempts = 2 });
            var error = await Talking.FailureAsync<UnavailableException>(() => client.GetModelAsync());
            Assert.That(error.Message, Does.Contain("127.0.0.1:9").And.Contain("scenewright serve"));
        }

        [Test]
        public async Task A_certificate_that_is_not_trusted_and_a_server_without_tls_are_told_apart_from_no_server()
        {
            await using var secure = await GrpcHost.StartAsync(Methods(), tls: true);
            await using var plain = await GrpcHost.StartAsync(Methods());
            var address = secure.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
            foreach (var (host, tls) in new[] { (address, true), (plain.Address, true), (secure.Address, false) })
            {
                using var client = new ScenewrightClient(new ClientSettings { Address = host, Tls = tls, MaxAttempts = 1 });
                var error = await Talking.FailureAsync<ScenewrightException>(() => client.GetModelAsync());
                Assert.That(error.Message, Does.Contain("TLS"), $"{host} with TLS {tls}");
            }
        }

        [Test]
        public async Task A_server_that_is_none_of_ours_is_told_of()
        {
            await using var host = await GrpcHost.StartAsync(new Dictionary<string, Func<GrpcCall, Task>>());
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            var error = await Talking.FailureAsync<UnsupportedException>(() => client.GetModelAsync());
            Assert.That(error.Message, Does.Contain("not Scenewright"));
        }

        [Test]
        public async Task The_token_is_asked_for_before_every_call_and_a_wrong_one_is_told_of()
        {
            await using var host = await GrpcHost.StartAsync(new Dictionary<string, Func<GrpcCall, Task>>
            {
                ["ModelService/ListModels"] = async call =>
                {
                    if (call.Header("authorization") == "Bearer second")
                    {
                        await call.WriteAsync(new V1.ListModelsResponse());
                    }
                    else
                    {
                        var info = PatienceTests.Info("UNAUTHENTICATED");
                        call.Fail(16, "no such token", PatienceTests.Status(PatienceTests.Any("google.rpc.ErrorInfo", info)));
                    }
                },
            });
            var tokens = new Queue<string>(new[] { "first", "second" });
            var settings = new ClientSettings
            {
                Address = host.Address,
                Token = _ => new ValueTask<string?>(tokens.Dequeue()),
            };
            using var client = new ScenewrightClient(settings);
            var error = await Talking.FailureAsync<AccessException>(() => client.ListModelsAsync());
            Assert.That((error.Reason, error.Code), Is.EqualTo(("UNAUTHENTICATED", "UNAUTHENTICATED")));
            Assert.That(await client.ListModelsAsync(), Is.Empty);
        }

        [Test]
        public async Task An_answer_is_read_as_it_comes_and_a_thing_that_comes_again_takes_its_own_place()
        {
            await using var host = await GrpcHost.StartAsync(Methods());
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            var options = new AskOptions { Pointer = new WorldRay(default, new Vec3(0, 0, 2)), Instructions = string.Empty };
            var pieces = new List<AnswerPiece>();
            await foreach (var piece in client.StreamAskAsync("what is this", options))
            {
                pieces.Add(piece);
            }

            Assert.That(pieces[0].Question!.Text, Is.EqualTo("what is this"));
            Assert.That(string.Concat(pieces.Select(piece => piece.Text)), Is.EqualTo("a 😀 chair"));
            var answer = await client.AskAsync("what is this", options);
            Assert.That(answer.Annotations.Select(item => item.Label), Is.EqualTo(new[] { "red chair", "mug" }));
            Assert.That(answer.Annotations[0].Spans.Single().In(answer.Text), Is.EqualTo("chair"));
            Assert.That(answer.Annotations[0].Spot, Is.EqualTo(new ImagePoint(0.5f, 0.5f)));
            Assert.That(answer.Finish.Reason, Is.EqualTo(FinishReason.Completed));
        }

        [Test]
        public async Task A_call_is_tried_again_until_the_server_is_ready_but_not_after_an_answer_has_begun()
        {
            var (tries, begun) = (0, 0);
            await using var host = await GrpcHost.StartAsync(new Dictionary<string, Func<GrpcCall, Task>>
            {
                ["ModelService/ListModels"] = async call =>
                {
                    if (++tries < 3)
                    {
                        call.Fail(14, "the model is loading", null, "1");
                        return;
                    }

                    await call.WriteAsync(new V1.ListModelsResponse());
                },
                ["DialogueService/Ask"] = async call =>
                {
                    begun++;
                    await call.WriteAsync(new V1.AskResponse { Question = new V1.Question { Text = "what" } });
                    call.Fail(14, "gone");
                },
            });
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            await client.ListModelsAsync();
            Assert.That(tries, Is.EqualTo(3));
            await Talking.FailureAsync<UnavailableException>(() => client.AskAsync("what"));
            Assert.That(begun, Is.EqualTo(1));
        }

        [Test]
        public async Task A_call_ends_at_its_deadline_and_when_it_is_cancelled()
        {
            await using var host = await GrpcHost.StartAsync(new Dictionary<string, Func<GrpcCall, Task>>
            {
                ["DialogueService/Ask"] = call => Task.Delay(-1, call.Gone),
            });
            var settings = new ClientSettings { Address = host.Address, Timeout = TimeSpan.FromSeconds(0.2) };
            using var hurried = new ScenewrightClient(settings);
            await Talking.FailureAsync<DeadlineException>(() => hurried.AskAsync("what"));
            using var client = new ScenewrightClient(new ClientSettings { Address = host.Address });
            using var cancel = new CancellationTokenSource(100);
            await Talking.FailureAsync<OperationCanceledException>(() => client.AskAsync("what", null, cancel.Token));
        }

        [Test]
        public async Task The_handler_of_a_connection_is_made_by_the_app_disposed_in_the_background_and_made_again()
        {
            await using var host = await GrpcHost.StartAsync(Methods());
            var handlers = new List<Handler>();
            var settings = new ClientSettings
            {
                Address = host.Address,
                CreateHandler = () =>
                {
                    handlers.Add(new Handler());
                    return handlers.Last();
                },
            };
            using var client = new ScenewrightClient(settings);
            await client.AskAsync("what");
            await client.AskAsync("what");
            Assert.That(handlers, Has.Count.EqualTo(1));
            client.Disconnect();
            Assert.That(handlers[0].IsDisposed, Is.True);
            await client.AskAsync("what");
            Assert.That(handlers, Has.Count.EqualTo(2));
            client.Dispose();
            Assert.That(handlers[1].IsDisposed, Is.True);
            await Talking.FailureAsync<EndedException>(() => client.AskAsync("what"));
        }

        [Test]
        public void A_recording_and_a_frame_that_are_none_are_refused_with_their_numbers()
        {
            Assert.That(
                Assert.Throws<InvalidInputException>(() => Recording.FromPcm(new byte[3], 16_000))!.Message, Does.Contain("got 3"));
            Assert.Throws<InvalidInputException>(() => Recording.FromPcm(new byte[4], 96_000));
            Assert.Throws<InvalidInputException>(
                () => Frame.FromPixels(PixelLayout.I420, 4, 4, new[] { new PixelPlane(new byte[16]) }));
            Assert.Throws<InvalidInputException>(
                () => Frame.FromPixels(PixelLayout.Rgb24, 0, 4, new[] { new PixelPlane(new byte[16]) }));
        }

        private static Dictionary<string, Func<GrpcCall, Task>> Methods() => new Dictionary<string, Func<GrpcCall, Task>>
        {
            ["ModelService/GetModel"] = call => call.WriteAsync(new V1.GetModelResponse()),
            ["DialogueService/Ask"] = async call =>
            {
                var request = await call.ReadAsync<V1.AskRequest>();
                await call.WriteAsync(new V1.AskResponse { Question = new V1.Question { Text = request!.Text } });
                var chair = new V1.Annotation { Id = "a1", Label = "chair", Point = new V1.Point2D { X = 0.5f, Y = 0.5f } };
                await SayAsync(call, new V1.ResponseEvent { Annotation = chair });
                await SayAsync(call, new V1.ResponseEvent { Annotation = new V1.Annotation { Id = "a2", Label = "mug" } });
                await SayAsync(call, new V1.ResponseEvent { TextDelta = new V1.TextDelta { Text = "a 😀 " } });
                await SayAsync(call, new V1.ResponseEvent());
                await SayAsync(call, new V1.ResponseEvent { TextDelta = new V1.TextDelta { Text = "chair" } });
                var red = chair.Clone();
                red.Label = "red chair";
                red.Spans.Add(new V1.TextSpan { Start = 4, Length = 5 });
                await SayAsync(call, new V1.ResponseEvent { Annotation = red });
                var done = new V1.ResponseDone { FinishReason = V1.FinishReason.Completed };
                await SayAsync(call, new V1.ResponseEvent { Done = done });
            },
        };

        private static Task SayAsync(GrpcCall call, V1.ResponseEvent piece) =>
            call.WriteAsync(new V1.AskResponse { ResponseEvent = piece });

        private sealed class Handler : System.Net.Http.DelegatingHandler
        {
            public Handler()
                : base(new System.Net.Http.SocketsHttpHandler())
            {
            }

            public bool IsDisposed { get; private set; }

            protected override void Dispose(bool disposing)
            {
                IsDisposed = true;
                base.Dispose(disposing);
            }
        }
    }
}
