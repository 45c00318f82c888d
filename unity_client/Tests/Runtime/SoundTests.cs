#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class SoundTests
    {
        [Test]
        public void The_ring_gives_what_a_queue_gives()
        {
            var dice = new Dice(1);
            var (ring, queue, next) = (new PcmRing(50), new Queue<float>(), 0f);
            for (var i = 0; i < 2000; i++)
            {
                var samples = Enumerable.Range(0, dice.Below(70)).Select(_ => next++).ToArray();
                ring.Write(samples);
                foreach (var sample in samples)
                {
                    queue.Enqueue(sample);
                }

                while (queue.Count > 50)
                {
                    queue.Dequeue();
                }

                var read = new float[dice.Below(40)];
                var count = ring.Read(read);
                Assert.That(count, Is.EqualTo(Math.Min(read.Length, queue.Count)));
                Assert.That(read.Take(count), Is.EqualTo(Enumerable.Range(0, count).Select(_ => queue.Dequeue())));
                Assert.That(ring.Count, Is.EqualTo(queue.Count));
            }

            Assert.That(ring.Dropped, Is.GreaterThan(0));
        }

        [TestCase(48_000, 16_000)]
        [TestCase(44_100, 16_000)]
        [TestCase(16_000, 16_000)]
        [TestCase(8_000, 16_000)]
        public void A_tone_keeps_its_pitch_and_strength_however_it_is_cut(int fromHz, int toHz)
        {
            var tone = Tone(fromHz, 440, fromHz / 2);
            var whole = new float[toHz];
            var count = new Resampler(fromHz, toHz).Process(tone, whole);
            var dice = new Dice(fromHz);
            var (cut, pieces, at) = (new Resampler(fromHz, toHz), new List<float>(), 0);
            while (at < tone.Length)
            {
                var input = tone.AsSpan(at, Math.Min(dice.Below(700), tone.Length - at));
                var output = new float[cut.OutputFor(input.Length + cut.DelaySamples)];
                pieces.AddRange(output.Take(cut.Process(input, output)));
                at += input.Length;
            }

            Assert.That(pieces, Is.EqualTo(whole.Take(count)));
            Assert.That(count, Is.EqualTo(toHz / 2).Within(200));
            var expected = Tone(toHz, 440, count);
            for (var i = 200; i < count; i++)
            {
                Assert.That(whole[i], Is.EqualTo(expected[i]).Within(2e-3));
            }
        }

        [Test]
        public void What_the_lower_rate_cannot_hold_is_taken_out()
        {
            var output = new float[8000];
            var count = new Resampler(48_000, 16_000).Process(Tone(48_000, 11_000, 24_000), output);
            Assert.That(output.Take(count).Skip(200).Max(Math.Abs), Is.LessThan(0.01f));
        }

        [Test]
        public void Samples_become_bytes_and_back()
        {
            var samples = new[] { 0f, 0.5f, -0.5f, 1f, -1f, 2f, -2f, float.NaN, float.PositiveInfinity };
            var bytes = new byte[2 * samples.Length];
            Pcm.ToBytes(samples, bytes);
            var back = new float[samples.Length];
            Pcm.ToFloats(bytes, back);
            Assert.That(back, Is.EqualTo(new[] { 0f, 0.5f, -0.5f, 32767f / 32768, -1f, 32767f / 32768, -1f, 0f, 32767f / 32768 }));
        }

        [Test]
        public void A_reply_read_by_a_loudspeaker_is_not_heard_and_the_user_after_it_is()
        {
            var heard = Play(headset: false, echoCancelled: false);
            Assert.That(heard.DuringReply, Is.EqualTo(0), "bytes of the reply that went out");
            Assert.That(heard.Tail, Is.EqualTo(0), "the room's echo of it");
            Assert.That(heard.After, Is.GreaterThan(0.1f), "the user after it");
        }

        [TestCase(true, false)]
        [TestCase(false, true)]
        public void A_user_with_a_headset_or_without_echo_interrupts(bool headset, bool echoCancelled) =>
            Assert.That(Play(headset, echoCancelled).DuringReply, Is.GreaterThan(0.1f));

        [Test]
        public void Reading_that_ends_more_often_than_it_begins_does_no_harm()
        {
            var time = new ManualTime();
            var rule = new ListeningRule(time, TimeSpan.Zero);
            rule.EndReading();
            rule.BeginReading();
            rule.BeginReading();
            rule.EndReading();
            Assert.That(rule.MayListen, Is.False);
            rule.EndReading();
            Assert.That(rule.MayListen, Is.True);
        }

        [Test]
        public void A_microphone_that_is_muted_is_told_by_its_name()
        {
            var feed = new MicrophoneFeed(48_000, 2, 16_000, new ListeningRule(new ManualTime()), _ => { });
            Assert.That(feed.State, Is.EqualTo(MicrophoneState.Starting));
            feed.Push(Tone(48_000, 300, 4800));
            Assert.That(feed.State, Is.EqualTo(MicrophoneState.Listening));
            for (var i = 0; i < 21; i++)
            {
                feed.Push(new float[9600]);
            }

            Assert.That(feed.State, Is.EqualTo(MicrophoneState.Flat));
            feed.Push(Tone(48_000, 300, 4800));
            Assert.That(feed.State, Is.EqualTo(MicrophoneState.Listening));
        }

        [Test]
        public void Blocks_have_forty_milliseconds_and_nothing_is_lost_at_the_end()
        {
            var sizes = new List<int>();
            var feed = new MicrophoneFeed(16_000, 1, 16_000, new ListeningRule(new ManualTime()), block => sizes.Add(block.Length));
            feed.Push(Tone(16_000, 300, 1600));
            feed.Flush();
            Assert.That(sizes.Take(sizes.Count - 1), Is.All.EqualTo(1280));
            Assert.That(sizes.Sum(), Is.EqualTo(2 * (1600 - 16)));
        }

        /// <summary>A reply of 2 s at -10 dB reaches the microphone, then its echo, then the user.</summary>
        private static (float DuringReply, float Tail, float After) Play(bool headset, bool echoCancelled)
        {
            var time = new ManualTime();
            var rule = new ListeningRule(time) { HeadsetOn = headset, EchoCancelled = echoCancelled };
            var loudest = 0f;
            var feed = new MicrophoneFeed(16_000, 1, 16_000, rule, block =>
            {
                var samples = new float[block.Length / 2];
                Pcm.ToFloats(block.Span, samples);
                loudest = Math.Max(loudest, samples.Max(Math.Abs));
            });
            rule.BeginReading();
            var during = Say(32_000);
            rule.EndReading();
            var tail = Say(3_200);
            time.Pass(0.1);
            return (during, tail, Say(16_000));

            float Say(int samples)
            {
                loudest = 0;
                var voice = Voice(samples);
                for (var at = 0; at < voice.Length; at += 320)
                {
                    feed.Push(voice.AsSpan(at, 320));
                    time.Pass(0.02);
                }

                feed.Push(new float[640]);
                time.Pass(0.04);
                return loudest;
            }
        }

        /// <summary>Syllables of a voice at -10 dB.</summary>
        private static float[] Voice(int samples) => Enumerable.Range(0, samples)
            .Select(i => 0.316f * MathF.Sin(i * 0.05f) * MathF.Abs(MathF.Sin(i * 0.0008f)))
            .ToArray();

        private static float[] Tone(int rateHz, float hz, int samples) =>
            Enumerable.Range(0, samples).Select(i => 0.5f * MathF.Sin(2 * MathF.PI * hz * i / rateHz)).ToArray();
    }
}
