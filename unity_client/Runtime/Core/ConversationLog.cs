#nullable enable
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Scenewright
{
    /// <summary>
    /// Writes every message of a conversation as a line of JSON, as `scenewright live --check` reads it. Bytes are taken out:
    /// the line tells their number and their digest.
    /// </summary>
    public sealed class ConversationLog
    {
        private readonly TextWriter _writer;
        private readonly TimeProvider _time;
        private readonly double _begun;

        /// <summary>A log into a writer, which stays the caller's to close.</summary>
        public ConversationLog(TextWriter writer, TimeProvider? time = null)
        {
            _writer = writer ?? throw new ArgumentNullException(nameof(writer));
            _time = time ?? TimeProvider.System;
            _begun = Clock.Seconds(_time);
        }

        internal void Sent(int connection, V1.ConverseRequest message) => Write("client", connection, message, message.Clone());

        internal void Came(int connection, V1.ConverseResponse message) => Write("server", connection, message, message.Clone());

        internal void HalfClosed(int connection) => WriteLine("client", connection, "\"end\": \"HALF_CLOSE\"");

        internal void Ended(int connection, string status) => WriteLine("server", connection, $"\"end\": \"{status}\"");

        private void Write(string side, int connection, IMessage whole, IMessage bare)
        {
            var taken = new List<string>();
            TakeBytes(bare, string.Empty, taken);
            var rest = $"\"message\": {JsonFormatter.Default.Format(bare)}";
            if (taken.Count > 0)
            {
                rest += $", \"bytes\": {{{string.Join(", ", taken)}}}";
            }

    
            WriteLine(side, connection, rest);
        }

        private void WriteLine(string side, int connection, string rest)
        {
            lock (_writer)
            {
                var ms = ((Clock.Seconds(_time) - _begun) * 1000).ToString("f1", CultureInfo.InvariantCulture);
                _writer.Write($"{{\"t_ms\": {ms}, \"stream\": {connection}, \"from\": \"{side}\", {rest}}}\n");
                _writer.Flush();
            }
        }

        private static void TakeBytes(IMessage message, string prefix, List<string> taken)
        {
            foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
            {
                if (field.IsMap || (field.HasPresence && !field.Accessor.HasValue(message)))
                {
                    continue;
                }

                var value = field.Accessor.GetValue(message);
                if (field.IsRepeated && field.FieldType == FieldType.Message)
                {
                    var number = 0;
                    foreach (var item in (System.Collections.IList)value)
                    {
                        TakeBytes((IMessage)item!, $"{prefix}{field.Name}.{number++}.", taken);
                    }
                }
                else if (field.FieldType == FieldType.Message && !field.IsRepeated && value is IMessage inner)
                {
                    TakeBytes(inner, $"{prefix}{field.Name}.", taken);
                }
                else if (field.FieldType == FieldType.Bytes && !field.IsRepeated && value is ByteString { IsEmpty: false } data)
                {
                    taken.Add($"\"{prefix}{field.Name}\": {{\"n\": {data.Length}, \"sha256\": \"{Digest(data)}\"}}");
                    field.Accessor.SetValue(message, ByteString.Empty);
                }
            }
        }

        private static string Digest(ByteString data)
        {
            using var sha = SHA256.Create();
            var digest = new StringBuilder();
            foreach (var part in sha.ComputeHash(data.ToByteArray()))
            {
                digest.Append(part.ToString("x2", CultureInfo.InvariantCulture));
            }

            return digest.ToString();
        }
    }
}
