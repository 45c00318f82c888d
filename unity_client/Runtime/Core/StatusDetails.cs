#nullable enable
using System;
using System.Collections.Generic;
using System.Text;
using Google.Protobuf;

namespace Scenewright
{
    /// <summary>
    /// What the trailer `grpc-status-details-bin` says: a google.rpc.Status with an ErrorInfo and a RetryInfo, read by hand
    /// because Unity's registry lacks the packages that hold their classes.
    /// </summary>
    internal sealed class StatusDetails
    {
        private const string InfoType = "type.googleapis.com/google.rpc.ErrorInfo";
        private const string RetryType = "type.googleapis.com/google.rpc.RetryInfo";

        /// <summary>Nothing was said.</summary>
        public static StatusDetails None { get; } = new StatusDetails();

        /// <summary>ErrorInfo.reason.</summary>
        public string Reason { get; private set; } = string.Empty;

        /// <summary>ErrorInfo.metadata.</summary>
        public Dictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

        /// <summary>RetryInfo.retry_delay.</summary>
        public TimeSpan? RetryAfter { get; private set; }

        /// <summary>The details in these bytes; nothing where they are none.</summary>
        public static StatusDetails Parse(byte[] bytes)
        {
            var details = new StatusDetails();
            try
            {
                foreach (var detail in Fields(bytes, 3))
                {
                    details.ReadDetail(detail);
                }

                return details;
            }
            catch (InvalidProtocolBufferException)
            {
                return None;
            }
        }

        private void ReadDetail(byte[] any)
        {
            var type = Text(any, 1);
            foreach (var value in Fields(any, 2))
            {
                if (type == InfoType)
                {
                    Reason = Text(value, 1);
                    foreach (var entry in Fields(value, 3))
                    {
                        Metadata[Text(entry, 1)] = Text(entry, 2);
                    }
                }
                else if (type == RetryType)
                {
                    foreach (var duration in Fields(value, 1))
                    {
                        RetryAfter = Google.Protobuf.WellKnownTypes.Duration.Parser.ParseFrom(duration).ToTimeSpan();
                    }
                }
            }
        }

        private static string Text(byte[] message, int number)
        {
            var text = string.Empty;
            foreach (var bytes in Fields(message, number))
            {
                text = Encoding.UTF8.GetString(bytes);
            }

            return text;
        }

        /// <summary>The length-delimited fields of that number.</summary>
        private static List<byte[]> Fields(byte[] message, int number)
        {
            var found = new List<byte[]>();
            var input = new CodedInputStream(message);
            uint tag;
            while ((tag = input.ReadTag()) != 0)
            {
                if (tag == WireFormat.MakeTag(number, WireFormat.WireType.LengthDelimited))
                {
                    found.Add(input.ReadBytes().ToByteArray());
                }
                else
                {
                    input.SkipLastField();
                }
            }

            return found;
        }
    }
}
