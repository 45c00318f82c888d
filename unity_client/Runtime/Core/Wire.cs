#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Scenewright
{
    /// <summary>This package's types and the contract's messages, as pure functions: the one place where both are known.</summary>
    internal static class Wire
    {
        /// <summary>The contract's additions that this package was written against.</summary>
        public const int Contract = 1;

        public static V1.Handedness Axes(Handedness handedness) =>
            handedness == Handedness.Left ? V1.Handedness.LeftHanded : V1.Handedness.RightHanded;

        public static V1.Vector3 Vector(Vec3 vector) => new V1.Vector3 { X = vector.X, Y = vector.Y, Z = vector.Z };

        public static V1.Pose Pose(WorldPose pose) => new V1.Pose
        {
            Position = Vector(pose.Position),
            Rotation = new V1.Quaternion
            {
                X = pose.Rotation.X,
                Y = pose.Rotation.Y,
                Z = pose.Rotation.Z,
                W = pose.Rotation.W,
            },
        };

        public static V1.CameraIntrinsics? Intrinsics(Lens? lens) => lens == null ? null : new V1.CameraIntrinsics
        {
            Fx = lens.Fx,
            Fy = lens.Fy,
            Cx = lens.Cx,
            Cy = lens.Cy,
            Width = (uint)lens.Width,
            Height = (uint)lens.Height,
        };

        public static V1.ImageInput? Image(Frame? frame)
        {
            if (frame == null)
            {
                return null;
            }

            var image = new V1.ImageInput
            {
                FrameId = frame.FrameId,
                Rotation = frame.Turn switch
                {
                    ImageTurn.Clockwise90 => V1.Rotation.Clockwise90,
                    ImageTurn.Clockwise180 => V1.Rotation.Clockwise180,
                    ImageTurn.Clockwise270 => V1.Rotation.Clockwise270,
                    _ => V1.Rotation.None,
                },
                Mirrored = frame.Mirrored,
                Intrinsics = Intrinsics(frame.Lens),
                CameraPose = frame.Camera == null ? null : Pose(frame.Camera.Value),
                Handedness = Axes(frame.Handedness),
            };
            if (frame.Encoded is { } encoded)
            {
                image.Encoded = UnsafeByteOperations.UnsafeWrap(encoded);
                return image;
            }

            image.Raw = new V1.RawImage
            {
                Format = Format(frame.Layout),
                Width = (uint)frame.Width,
                Height = (uint)frame.Height,
                BottomUp = frame.BottomUp,
            };
            foreach (var plane in frame.Planes)
            {
                image.Raw.Planes.Add(new V1.ImagePlane
                {
                    Data = UnsafeByteOperations.UnsafeWrap(plane.Data),
                    RowStride = (uint)plane.RowStride,
                    PixelStride = (uint)plane.PixelStride,
                });
            }

            return image;
        }

        public static V1.AudioInput File(ReadOnlyMemory<byte> audio) =>
            new V1.AudioInput { Encoded = UnsafeByteOperations.UnsafeWrap(audio) };

        public static V1.AudioInput Samples(ReadOnlyMemory<byte> pcm, int rateHz) => new V1.AudioInput
        {
            Pcm = new V1.PcmAudio { Data = UnsafeByteOperations.UnsafeWrap(pcm), SampleRateHz = (uint)rateHz },
        };

        public static V1.SceneObject Object(SceneObject item)
        {
            var proto = new V1.SceneObject
            {
                Id = item.Id,
                AnchorId = item.AnchorId,
                Label = item.Label,
                Description = item.Description,
                Pose = Pose(item.Pose),
                Extents = item.Extents == null ? null : Vector(item.Extents.Value),
            };
            proto.Aliases.Add(item.Aliases);
            foreach (var fact in item.Facts)
            {
                var said = new V1.Fact { Key = fact.Key, Unit = fact.Unit };
                if (fact.Number is { } number)
                {
                    said.Number = number;
                }
                else
                {
                    said.Text = fact.Text ?? string.Empty;
                }

                proto.Facts.Add(said);
            }

            return proto;
        }

        public static V1.SceneGraph? Scene(SceneGraph? scene)
        {
            if (scene == null)
            {
                return null;
            }

            var proto = new V1.SceneGraph { Revision = scene.Revision, Handedness = Axes(scene.Handedness) };
            proto.Objects.Add(scene.Objects.Select(Object));
            proto.Viewpoint = scene.Viewpoint == null ? null : Viewpoint(scene.Viewpoint);
            return proto;
        }

        public static V1.SceneDelta Delta(SceneDelta delta)
        {
            var proto = new V1.SceneDelta { BaseRevision = delta.BaseRevision, Revision = delta.Revision };
            proto.Upserts.Add(delta.Upserts.Select(Object));
            proto.RemovedIds.Add(delta.RemovedIds);
            return proto;
        }

        public static V1.Viewpoint Viewpoint(Viewpoint viewpoint) =>
            new V1.Viewpoint { Pose = Pose(viewpoint.Pose), Intrinsics = Intrinsics(viewpoint.Lens) };

        public static V1.Pointer Pointer(WorldRay ray, PointerKind kind) => new V1.Pointer
        {
            Origin = Vector(ray.Origin),
            Direction = Vector(ray.Direction),
            Source = kind switch
            {
                PointerKind.Gaze => V1.PointerSource.Gaze,
                PointerKind.Hand => V1.PointerSource.Hand,
                PointerKind.Controller => V1.PointerSource.Controller,
                PointerKind.Screen => V1.PointerSource.Screen,
                _ => V1.PointerSource.Unspecified,
            },
        };

        public static V1.ConverseRequest Setup(ConversationSetup setup, string model)
        {
            var proto = new V1.ConverseSetup
            {
                Model = setup.SessionId.Length == 0 ? model : string.Empty,
                SessionId = setup.SessionId,
                SampleRateHz = (uint)setup.SampleRateHz,
                Interruption = setup.InterruptedBy switch
                {
                    InterruptedBy.Nothing => V1.Interruption.None,
                    InterruptedBy.Text => V1.Interruption.Text,
                    _ => V1.Interruption.Speech,
                },
                Language = setup.Language,
                Handedness = Axes(setup.Handedness),
                Image = Image(setup.Frame),
                Scene = Scene(setup.Scene),
            };
            if (setup.SampleRateHz > 0)
            {
                proto.TurnDetection =
                    setup.Turns == TurnTaking.Manual ? V1.TurnDetection.Manual : V1.TurnDetection.Automatic;
            }

            if (setup.EndSilenceMs != null || setup.StartThreshold != null)
            {
                proto.VoiceActivity = new V1.VoiceActivity();
                if (setup.EndSilenceMs is { } silence)
                {
                    proto.VoiceActivity.EndSilenceMs = (uint)silence;
                }

                if (setup.StartThreshold is { } threshold)
                {
                    proto.VoiceActivity.StartThreshold = threshold;
                }
            }

            if (setup.Instructions != null)
            {
                proto.Instructions = setup.Instructions;
            }

            proto.Sampling = Sampling(setup.MaxNewTokens);
            proto.History.Add(setup.History.Select(Past));
            return new V1.ConverseRequest { Setup = proto };
        }

        public static V1.HistoryTurn Past(PastTurn turn) =>
            new V1.HistoryTurn { Question = turn.Question, Answer = turn.Answer };

        public static V1.SamplingConfig? Sampling(int? maxNewTokens) =>
            maxNewTokens == null ? null : new V1.SamplingConfig { MaxNewTokens = (uint)maxNewTokens };

        public static V1.ConverseRequest Resume(string handle, ulong lastEventSeq) => new V1.ConverseRequest
        {
            Setup = new V1.ConverseSetup { Resume = new V1.ConverseResume { Handle = handle, LastEventSeq = lastEventSeq } },
        };

        public static IReadOnlyList<WordSpan> Spans(IEnumerable<V1.TextSpan> spans) =>
            spans.Select(span => new WordSpan((int)span.Start, (int)span.Length)).ToArray();

        public static Question Question(V1.Question question) =>
            new Question(question.Text, question.Spoken, question.HasConfidence ? question.Confidence : (float?)null);

        public static Finish Finish(V1.ResponseDone done) => new Finish(
            Reason(done.FinishReason),
            Usage(done.Usage),
            Timings(done.Timings),
            done.HasConfidence ? done.Confidence : (float?)null);

        public static FinishReason Reason(V1.FinishReason reason) => reason switch
        {
            V1.FinishReason.Completed => FinishReason.Completed,
            V1.FinishReason.TokenLimit => FinishReason.TokenLimit,
            V1.FinishReason.Interrupted => FinishReason.Interrupted,
            V1.FinishReason.Cancelled => FinishReason.Cancelled,
            V1.FinishReason.Failed => FinishReason.Failed,
            V1.FinishReason.NoSpeech => FinishReason.NoSpeech,
            _ => FinishReason.Unknown,
        };

        public static Usage Usage(V1.Usage? usage) => usage == null ? new Usage(0, 0, 0, 0, 0, 0) : new Usage(
            (int)usage.TextTokens,
            (int)usage.ImageTokens,
            (int)usage.AudioTokens,
            (int)usage.SceneTokens,
            (int)usage.CachedTokens,
            (int)usage.OutputTokens);

        public static Timings Timings(V1.Timings? t) => t == null ? new Timings(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) : new Timings(
            t.QueueMs,
            t.DecodeMs,
            t.EncodeImageMs,
            t.EncodeAudioMs,
            t.PrefillMs,
            t.FirstTokenMs,
            t.GenerateMs,
            t.TotalMs,
            t.SilenceMs,
            t.TranscriptMs,
            t.FirstTextMs);

        /// <summary>Null for an event that this version does not know.</summary>
        public static AnswerPiece? Piece(V1.ResponseEvent? piece) => piece?.EventCase switch
        {
            V1.ResponseEvent.EventOneofCase.TextDelta => new AnswerPiece(Text: piece.TextDelta.Text),
            V1.ResponseEvent.EventOneofCase.Annotation => new AnswerPiece(Annotation: new Annotation(piece.Annotation)),
            V1.ResponseEvent.EventOneofCase.Done => new AnswerPiece(Finish: Finish(piece.Done)),
            _ => null,
        };

        /// <summary>Null for an event that this version does not know.</summary>
        public static LiveEvent? Event(V1.ConverseResponse response)
        {
            var seq = response.EventSeq;
            var turn = (int)response.TurnIndex;
            var id = response.ResponseId;
            switch (response.EventCase)
            {
                case V1.ConverseResponse.EventOneofCase.SpeechStarted:
                    return new SpeechStarted(seq, turn, id, (long)response.SpeechStarted.AudioMs);
                case V1.ConverseResponse.EventOneofCase.SpeechStopped:
                    var stopped = response.SpeechStopped;
                    return new SpeechStopped(seq, turn, id, (long)stopped.AudioMs, stopped.Cut);
                case V1.ConverseResponse.EventOneofCase.Transcript:
                    var heard = response.Transcript;
                    var sure = heard.HasConfidence ? heard.Confidence : (float?)null;
                    return new HeardSoFar(seq, turn, id, heard.Text, heard.IsFinal, sure);
                case V1.ConverseResponse.EventOneofCase.ResponseStarted:
                    var started = response.ResponseStarted;
                    var question = Question(started.Question ?? new V1.Question());
                    return new ResponseStarted(seq, turn, id, question, started.FrameId, started.SceneRevision);
                case V1.ConverseResponse.EventOneofCase.ResponseEvent:
                    return Event(seq, turn, id, response.ResponseEvent);
                case V1.ConverseResponse.EventOneofCase.Interrupted:
                    return new Interrupted(seq, turn, id, Cause(response.Interrupted.Cause));
                case V1.ConverseResponse.EventOneofCase.GoAway:
                    return new GoingAway(Span(response.GoAway.TimeLeft));
                case V1.ConverseResponse.EventOneofCase.Error:
                    return new Problem(seq, turn, id, Errors.FromEvent(response.Error), response.Error.ClientSeq);
                default:
                    return null;
            }
        }

        public static TimeSpan Span(Duration? duration) => duration?.ToTimeSpan() ?? TimeSpan.Zero;

        private static LiveEvent? Event(ulong seq, int turn, string id, V1.ResponseEvent piece) => piece.EventCase switch
        {
            V1.ResponseEvent.EventOneofCase.TextDelta => new Words(seq, turn, id, piece.TextDelta.Text),
            V1.ResponseEvent.EventOneofCase.Annotation => new Annotated(seq, turn, id, new Annotation(piece.Annotation)),
            V1.ResponseEvent.EventOneofCase.Done => new ResponseEnded(seq, turn, id, Finish(piece.Done)),
            _ => null,
        };

        private static InterruptionCause Cause(V1.InterruptionCause cause) => cause switch
        {
            V1.InterruptionCause.Speech => InterruptionCause.Speech,
            V1.InterruptionCause.Text => InterruptionCause.Text,
            V1.InterruptionCause.Client => InterruptionCause.Client,
            _ => InterruptionCause.Unknown,
        };

        private static V1.PixelFormat Format(PixelLayout layout) => layout switch
        {
            PixelLayout.Rgb24 => V1.PixelFormat.Rgb24,
            PixelLayout.Rgba32 => V1.PixelFormat.Rgba32,
            PixelLayout.Bgra32 => V1.PixelFormat.Bgra32,
            PixelLayout.Argb32 => V1.PixelFormat.Argb32,
            PixelLayout.Nv12 => V1.PixelFormat.Nv12,
            PixelLayout.Nv21 => V1.PixelFormat.Nv21,
            PixelLayout.I420 => V1.PixelFormat.I420,
            _ => throw new InvalidInputException($"frame: {layout} is no pixel layout"),
        };
    }
}
