#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class PatienceTests
    {
        [Test]
        public void The_outbox_sends_again_what_was_not_taken_in()
        {
            var outbox = new Outbox(3000);
            Assert.That(new[] { Add(outbox, Audio(1000)), Add(outbox, Text()), Add(outbox, Audio(1000)) }, Is.EqualTo(new ulong[] { 1, 2, 3 }));
            Assert.That(Drained(outbox), Is.EqualTo(new ulong[] { 1, 2, 3 }));
            Assert.That(outbox.AwaitsAnswer && !outbox.IsFull, Is.True);
            outbox.Add(Audio(1000), null);
            Assert.That(outbox.IsFull, Is.True);
            outbox.Acknowledge(1);
            Assert.That(outbox.IsFull, Is.False);
            Assert.That(Drained(outbox), Is.EqualTo(new ulong[] { 4 }));
            Assert.That(outbox.Rewind(2, 1000), Is.EqualTo(1000));
            Assert.That(Drained(outbox), Is.EqualTo(new ulong[] { 4 }), "of the sound only the last second is sent again");
        }

        [Test]
        public void The_outbox_keeps_its_counts_through_random_use()
        {
            var dice = new Dice(1);
            var outbox = new Outbox(long.MaxValue);
            var model = new List<ulong>();
            var (sent, released, frames) = (0, 0, 0);
            ulong last = 0;
            for (var i = 0; i < 3000; i++)
            {
                switch (dice.Below(4))
                {
                    case 0:
                        frames++;
                        model.Add(last = outbox.Add(new V1.ConverseRequest { Image = new V1.ImageInput() }, () => released++));
                        break;
                    case 1:
                        var next = outbox.Next();
                        Assert.That(next?.ClientSeq, Is.EqualTo(sent < model.Count ? model[sent] : (ulong?)null));
                        sent += next == null ? 0 : 1;
                        break;
                    case 2 when model.Count > 0:
                        var upTo = model[dice.Below(model.Count)];
                        outbox.Acknowledge(upTo);
                        var gone = model.Count(seq => seq <= upTo);
                        model.RemoveRange(0, gone);
                        sent = Math.Max(0, sent - gone);
                        break;
                    case 3 when dice.Below(10) == 0:
                        Assert.That(outbox.Rewind(0, 0), Is.EqualTo(0));
                        sent = 0;
                        break;
                }

                Assert.That(outbox.Frames, Is.EqualTo(model.Count));
            }

            outbox.Clear();
            Assert.That(released, Is.EqualTo(frames), "every frame's bytes were given back, once");
            Assert.That(last, Is.EqualTo((ulong)frames));
        }

        [Test]
        public void Only_what_comes_from_the_network_or_passes_is_resumed()
        {
            Assert.That(Patience.MayResume(Error(StatusCode.Unavailable)), Is.True);
            Assert.That(Patience.MayResume(Error(StatusCode.Internal)), Is.True);
            Assert.That(Patience.MayResume(Error(StatusCode.ResourceExhausted)), Is.False);
            Assert.That(Patience.MayResume(Error(StatusCode.ResourceExhausted, "AUDIO_TOO_FAST")), Is.True);
            Assert.That(Patience.MayResume(Error(StatusCode.DeadlineExceeded, "DEADLINE_EXCEEDED")), Is.True);
            Assert.That(Patience.MayResume(Error(StatusCode.Unavailable, "SHUTTING_DOWN")), Is.False);
            Assert.That(Patience.MayResume(Error(StatusCode.Aborted, "TAKEN_OVER")), Is.False);
            Assert.That(Patience.MayResume(Error(StatusCode.NotFound, "SESSION_NOT_FOUND")), Is.False);
        }

        [Test]
        public void The_first_try_comes_at_once_and_the_waits_double_for_as_long_as_the_server_waits()
        {
            var patience = new Patience(new Random(1));
            var (now, waits) = (0.0, new List<double>());
            while (patience.DelayAfter(Error(StatusCode.Unavailable), now, 60) is { } wait)
            {
                waits.Add(wait.TotalSeconds);
                now += wait.TotalSeconds;
            }

            Assert.That(waits[0], Is.EqualTo(0));
            Assert.That(waits[1], Is.InRange(0.08, 0.12));
            Assert.That(waits[2], Is.InRange(0.16, 0.24));
            Assert.That(waits.Last(), Is.InRange(1.6, 2.4));
            Assert.That(now, Is.InRange(57, 60));
            patience.Connected();
            patience.Heard();
            Assert.That(patience.DelayAfter(Error(StatusCode.Unavailable), now, 60), Is.EqualTo(TimeSpan.Zero));
        }

        [Test]
        public void A_call_is_tried_again_only_where_that_helps_and_before_its_deadline()
        {
            var time = new ManualTime();
            var settings = new ClientSettings { Time = time, Timeout = TimeSpan.FromSeconds(2), MaxAttempts = 3 };
            var attempts = new Attempts(settings, new Random(1));
            Assert.That(attempts.DelayAfter(Error(StatusCode.InvalidArgument)), Is.Null);
            Assert.That(attempts.DelayAfter(Error(StatusCode.Unavailable))!.Value.TotalSeconds, Is.InRange(0.08, 0.12));
            var overloaded = Error(StatusCode.ResourceExhausted, "OVERLOADED");
            overloaded.RetryAfter = TimeSpan.FromSeconds(1.5);
            time.Pass(1);
            Assert.That(attempts.DelayAfter(overloaded), Is.Null, "it would come after the deadline");
            Assert.That(attempts.Remaining.TotalSeconds, Is.EqualTo(1).Within(1e-6));
            overloaded.RetryAfter = TimeSpan.FromSeconds(0.5);
            Assert.That(attempts.DelayAfter(overloaded), Is.EqualTo(overloaded.RetryAfter));
            Assert.That(attempts.DelayAfter(overloaded), Is.Null, "three tries were allowed");
        }

        [Test]
        public void The_servers_reason_is_read_from_the_status_details()
        {
            var details = StatusDetails.Parse(Status(
                Any("google.rpc.ErrorInfo", Info("FIELD_INVALID", ("field", "text"), ("bound", "1 to 500"))),
                Any("google.rpc.RetryInfo", Field(1, Duration.FromTimeSpan(TimeSpan.FromSeconds(1.5)).ToByteArray())),
                Any("google.rpc.Help", Field(1, new byte[] { 1, 2 }))));
            Assert.That(details.Reason, Is.EqualTo("FIELD_INVALID"));
            Assert.That(details.Metadata["field"], Is.EqualTo("text"));
            Assert.That(details.Metadata["bound"], Is.EqualTo("1 to 500"));
            Assert.That(details.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(1.5)));
        }

        [Test]
        public void Details_that_are_none_are_no_details()
        {
            var dice = new Dice(3);
            var good = Status(Any("google.rpc.ErrorInfo", Info("FIELD_INVALID", ("field", "text"))));
            for (var i = 0; i < 500; i++)
            {
                var bad = good.Take(dice.Below(good.Length)).ToArray();
                if (bad.Length > 0)
                {
                    bad[dice.Below(bad.Length)] = (byte)dice.Below(256);
                }

                Assert.That(StatusDetails.Parse(bad), Is.Not.Null);
            }
        }

        [Test]
        public void Statuses_have_the_names_that_gRPC_gives_them()
        {
            Assert.That(Errors.NameOf(StatusCode.OK), Is.EqualTo("OK"));
            Assert.That(Errors.NameOf(StatusCode.NotFound), Is.EqualTo("NOT_FOUND"));
            Assert.That(Errors.NameOf(StatusCode.DeadlineExceeded), Is.EqualTo("DEADLINE_EXCEEDED"));
            Assert.That(Errors.Make(StatusCode.Unauthenticated, "m", null), Is.InstanceOf<AccessException>());
            Assert.That(Errors.Make((StatusCode)77, "m", null), Is.InstanceOf<ServerException>());
        }

        internal static byte[] Status(params byte[][] anys) =>
            new byte[] { 8, 3 }.Concat(anys.SelectMany(any => Field(3, any))).ToArray();

        internal static byte[] Any(string type, byte[] value) =>
            Field(1, System.Text.Encoding.UTF8.GetBytes("type.googleapis.com/" + type)).Concat(Field(2, value)).ToArray();

        internal static byte[] Info(string reason, params (string Key, string Value)[] metadata) => Text(1, reason)
            .Concat(Text(2, "scenewright"))
            .Concat(metadata.SelectMany(entry => Field(3, Text(1, entry.Key).Concat(Text(2, entry.Value)).ToArray())))
            .ToArray();

        private static byte[] Text(int number, string text) => Field(number, System.Text.Encoding.UTF8.GetBytes(text));

        private static byte[] Field(int number, byte[] bytes)
        {
            var stream = new System.IO.MemoryStream();
            var output = new CodedOutputStream(stream);
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(bytes));
            output.Flush();
            return stream.ToArray();
        }

        private static ulong Add(Outbox outbox, V1.ConverseRequest message) => outbox.Add(message, null);

        private static ScenewrightException Error(StatusCode status, string reason = "")
        {
            var error = Errors.Make(status, "broken", null);
            error.Reason = reason;
            return error;
        }

        private static V1.ConverseRequest Audio(int bytes) =>
            new V1.ConverseRequest { Audio = new V1.AudioChunk { Data = ByteString.CopyFrom(new byte[bytes]) } };

        private static V1.ConverseRequest Text() => new V1.ConverseRequest { Text = new V1.TextTurn { Text = "what" } };

        private static ulong[] Drained(Outbox outbox)
        {
            var seqs = new List<ulong>();
            while (outbox.Next() is { } message)
            {
                seqs.Add(message.ClientSeq);
            }

            return seqs.ToArray();
        }
    }
}
