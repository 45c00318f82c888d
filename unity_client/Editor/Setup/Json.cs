#nullable enable
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Scenewright
{
    /// <summary>
    /// JSON as a tree that keeps the order of its keys: JsonObject, List of object?, string, bool, null, and numbers as they were
    /// written.
    /// </summary>
    internal sealed class JsonObject
    {
        private readonly List<string> _keys = new List<string>();
        private readonly Dictionary<string, object?> _values = new Dictionary<string, object?>();

        public IReadOnlyList<string> Keys => _keys;

        public object? this[string key]
        {
            get => _values.TryGetValue(key, out var value) ? value : null;
            set
            {
                if (!_values.ContainsKey(key))
                {
                    _keys.Add(key);
                }

                _values[key] = value;
            }
        }
    }

    /// <summary>Reads and writes <see cref="JsonObject"/>s.</summary>
    internal sealed class Json
    {
        private readonly string _text;
        private int _at;

        private Json(string text) => _text = text;

        /// <summary>The tree; throws FormatException, which names the place, for what is no JSON.</summary>
        public static object? Read(string text)
        {
            var reader = new Json(text);
            var value = reader.Value();
            reader.Space();
            return reader._at == text.Length ? value : throw reader.Wrong("the end");
        }

        /// <summary>The tree as text, indented by two spaces.</summary>
        public static string Write(object? value)
        {
            var text = new StringBuilder();
            Write(text, value, "\n");
            return text.Append('\n').ToString();
        }

        private static void Write(StringBuilder text, object? value, string line)
        {
            switch (value)
            {
                case JsonObject item:
                    WriteMany(text, '{', item.Keys, '}', line, (key, inner) =>
                    {
                        WriteText(text, key);
                        text.Append(": ");
                        Write(text, item[key], inner);
                    });
                    break;
                case List<object?> items:
                    WriteMany(text, '[', items, ']', line, (item, inner) => Write(text, item, inner));
                    break;
                case string words:
                    WriteText(text, words);
                    break;
                case bool truth:
                    text.Append(truth ? "true" : "false");
                    break;
                case Number number:
                    text.Append(number.Written);
                    break;
                default:
                    text.Append("null");
                    break;
            }
        }

        private static void WriteMany<T>(
            StringBuilder text, char open, IReadOnlyList<T> items, char close, string line, Action<T, string> write)
        {
            text.Append(open);
            for (var i = 0; i < items.Count; i++)
            {
                text.Append(i > 0 ? "," : string.Empty).Append(line).Append("  ");
                write(items[i], line + "  ");
            }

            text.Append(items.Count > 0 ? line : string.Empty).Append(close);
        }

        private static void WriteText(StringBuilder text, string words)
        {
            text.Append('"');
            foreach (var letter in words)
            {
                text.Append(letter switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    _ when letter < ' ' => $"\\u{(int)letter:x4}",
                    _ => letter.ToString(),
                });
            }

            text.Append('"');
        }

        private object? Value()
        {
            Space();
            switch (Peek())
            {
                case '{':
                    return Object();
                case '[':
                    return Array();
                case '"':
                    return Text();
                case 't':
                    return Literal("true", true);
                case 'f':
                    return Literal("false", false);
                case 'n':
                    return Literal("null", null);
                default:
                    return Numeral();
            }
        }

        private JsonObject Object()
        {
            var made = new JsonObject();
            Many('}', () =>
            {
                Space();
                var key = Text();
                Space();
                Take(':');
                made[key] = Value();
            });
            return made;
        }

        private List<object?> Array()
        {
            var made = new List<object?>();
            Many(']', () => made.Add(Value()));
            return made;
        }

        private void Many(char close, Action read)
        {
            _at++;
            Space();
            if (Peek() == close)
            {
                _at++;
                return;
            }

            while (true)
            {
                read();
                Space();
                if (Peek() == close)
                {
                    _at++;
                    return;
                }

                Take(',');
            }
        }

        private string Text()
        {
            Take('"');
            var text = new StringBuilder();
            while (Peek() != '"')
            {
                var letter = _text[_at++];
                if (letter == '\\')
                {
                    letter = Peek();
                    _at++;
                    letter = letter switch
                    {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'b' => '\b',
                        'f' => '\f',
                        'u' => Code(),
                        _ => letter,
                    };
                }

                text.Append(letter);
            }

            _at++;
            return text.ToString();
        }

        private char Code()
        {
            if (_at + 4 > _text.Length
                || !int.TryParse(_text.Substring(_at, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var code))
            {
                throw Wrong("four hexadecimal digits");
            }

            _at += 4;
            return (char)code;
        }

        private Number Numeral()
        {
            var start = _at;
            while (_at < _text.Length && "+-.0123456789eE".Contains(_text[_at]))
            {
                _at++;
            }

            return _at > start ? new Number(_text.Substring(start, _at - start)) : throw Wrong("a value");
        }

        private object? Literal(string word, object? value)
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0)
            {
                throw Wrong(word);
            }

            _at += word.Length;
            return value;
        }

        private char Peek() => _at < _text.Length ? _text[_at] : throw Wrong("more");

        private void Take(char wanted)
        {
            if (Peek() != wanted)
            {
                throw Wrong($"'{wanted}'");
            }

            _at++;
        }

        private void Space()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            {
                _at++;
            }
        }

        private FormatException Wrong(string expected) => new FormatException($"at character {_at}: expected {expected}");

        private sealed class Number
        {
            public Number(string written) => Written = written;

            public string Written { get; }
        }
    }
}
