#nullable enable
using System;
using System.Collections.Generic;
using Grpc.Core;

namespace Scenewright
{
    /// <summary>
    /// A call failed. Every error of this package is one of its kinds; the message names the field, its value and the bound
    /// where a field of the request is at fault.
    /// </summary>
    public class ScenewrightException : Exception
    {
        /// <summary>An error without a cause from the server.</summary>
        public ScenewrightException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }

        /// <summary>The gRPC status as in "NOT_FOUND"; empty where the fault was found before anything was sent.</summary>
        public string Code { get; internal set; } = string.Empty;

        /// <summary>The server's name for the fault, as in "SESSION_NOT_FOUND"; empty if it gave none.</summary>
        public string Reason { get; internal set; } = string.Empty;

        /// <summary>What goes with the reason: "field", "value" and "bound" where a field is at fault.</summary>
        public IReadOnlyDictionary<string, string> Metadata { get; internal set; } = new Dictionary<string, string>();

        /// <summary>Another try may succeed after this; null if that is not said.</summary>
        public TimeSpan? RetryAfter { get; internal set; }

        internal StatusCode? Status { get; set; }
    }

    /// <summary>The request is wrong in itself.</summary>
    public sealed class InvalidInputException : ScenewrightException
    {
        /// <summary>An error that names field, value and bound.</summary>
        public InvalidInputException(string message)
            : base(message)
        {
        }
    }

    /// <summary>There is no such session or model, or no longer.</summary>
    public sealed class NotFoundException : ScenewrightException
    {
        internal NotFoundException(string message, Exception? inner)
            : base(message, inner)
        {
        }
    }

    /// <summary>The server cannot do this as things stand: the model lacks the capability, the scene has moved on.</summary>
    public sealed class PreconditionException : ScenewrightException
    {
        internal PreconditionException(string message, Exception? inner)
            : base(message, inner)
        {
        }
    }

    /// <summary>Something ran out: the server's capacity, a session's context.</summary>
    public sealed class ExhaustedException : ScenewrightException
    {
        internal ExhaustedException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>The server cannot be reached, is loading its model or is shutting down.</summary>
    public sealed class UnavailableException : ScenewrightException
    {
        internal UnavailableException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>The call took longer than its deadline.</summary>
    public sealed class DeadlineException : ScenewrightException
    {
        internal DeadlineException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>The conversation or the client has ended.</summary>
    public sealed class EndedException : ScenewrightException
    {
        internal EndedException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>The server does not have this method, or is older than this package.</summary>
    public sealed class UnsupportedException : ScenewrightException
    {
        internal UnsupportedException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>The server wants another token.</summary>
    public sealed class AccessException : ScenewrightException
    {
        internal AccessException(string message, Exception? inner)
            : base(message, inner)
        {
        }
    }

    /// <summary>The server failed; its log knows more.</summary>
    public sealed class ServerException : ScenewrightException
    {
        internal ServerException(string message, Exception? inner = null)
            : base(message, inner)
        {
        }
    }

    /// <summary>From gRPC's errors to this package's.</summary>
    internal static class Errors
    {
        private const string DetailsKey = "grpc-status-details-bin";
        private const string PushbackKey = "grpc-retry-pushback-ms";

        /// <summary>The error that a failed call stands for, with the server's details.</summary>
        public static ScenewrightException FromRpc(RpcException broken, string address)
        {
            var details = StatusDetails.None;
            string? pushback = null;
            foreach (var entry in broken.Trailers)
            {
                if (entry.Key == DetailsKey && entry.IsBinary)
                {
                    details = StatusDetails.Parse(entry.ValueBytes);
                }
                else if (entry.Key == PushbackKey && !entry.IsBinary)
                {
                    pushback = entry.Value;
                }
            }

            var message = broken.Status.Detail;
            if (details.Reason.Length == 0 && pushback == null && Transport.Explain(broken, address) is { } explained)
            {
                message = explained;
            }

            var error = Make(broken.StatusCode, message, broken);
            error.Reason = details.Reason;
            error.Metadata = details.Metadata;
            error.RetryAfter = details.RetryAfter;
            if (error.RetryAfter == null && int.TryParse(pushback, out var pushbackMs) && pushbackMs >= 0)
            {
                error.RetryAfter = TimeSpan.FromMilliseconds(pushbackMs);
            }

            return error;
        }

        /// <summary>The same for an ErrorEvent of a conversation.</summary>
        public static ScenewrightException FromEvent(V1.ErrorEvent happened)
        {
            var status = Enum.IsDefined(typeof(StatusCode), happened.Code) ? (StatusCode)happened.Code : StatusCode.Unknown;
            var error = Make(status, happened.Message, null);
            error.Reason = happened.Reason;
            error.Metadata = new Dictionary<string, string>(happened.Metadata);
            error.RetryAfter = happened.RetryAfter?.ToTimeSpan();
            return error;
        }

        /// <summary>An error of the kind that goes with the status.</summary>
        public static ScenewrightException Make(StatusCode status, string message, Exception? inner)
        {
            ScenewrightException error = status switch
            {
                StatusCode.InvalidArgument => new InvalidInputException(message),
                StatusCode.OutOfRange => new InvalidInputException(message),
                StatusCode.NotFound => new NotFoundException(message, inner),
                StatusCode.AlreadyExists => new PreconditionException(message, inner),
                StatusCode.FailedPrecondition => new PreconditionException(message, inner),
                StatusCode.Aborted => new PreconditionException(message, inner),
                StatusCode.ResourceExhausted => new ExhaustedException(message, inner),
                StatusCode.Unavailable => new UnavailableException(message, inner),
                StatusCode.DeadlineExceeded => new DeadlineException(message, inner),
                StatusCode.Cancelled => new EndedException(message, inner),
                StatusCode.Unimplemented => new UnsupportedException(message, inner),
                StatusCode.PermissionDenied => new AccessException(message, inner),
                StatusCode.Unauthenticated => new AccessException(message, inner),
                _ => new ServerException(message, inner),
            };
            error.Status = status;
            error.Code = NameOf(status);
            return error;
        }

        /// <summary>"NOT_FOUND" of NotFound.</summary>
        public static string NameOf(StatusCode status)
        {
            var name = new System.Text.StringBuilder();
            foreach (var letter in status.ToString())
            {
                if (char.IsUpper(letter) && name.Length > 0 && status != StatusCode.OK)
                {
                    name.Append('_');
                }

                name.Append(char.ToUpperInvariant(letter));
            }

            return name.ToString();
        }
    }
}
