#nullable enable
using System;
using System.Linq;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class ManifestTests
    {
        [Test]
        public void An_empty_project_gets_what_is_missing_and_then_misses_nothing()
        {
            const string Empty = "{\n  \"dependencies\": {\n    \"com.unity.ugui\": \"2.0.0\"\n  }\n}";
            Assert.That(ManifestEdit.Missing(Empty), Has.Count.EqualTo(1 + ManifestEdit.Needed.Count));
            var whole = ManifestEdit.Add(Empty);
            Assert.That(ManifestEdit.Missing(whole), Is.Empty);
            Assert.That(ManifestEdit.Add(whole), Is.EqualTo(whole));
            Assert.That(whole, Does.Contain("\"com.unity.ugui\": \"2.0.0\"").And.Contain("\"scopedRegistries\": ["));
        }

        [Test]
        public void What_a_project_has_stays_as_it_is()
        {
            const string Full = "{\"dependencies\": {\"org.nuget.grpc.net.client\": \"2.71.0\", \"a\": \"file:../a\\\"b\"},"
                + "\"scopedRegistries\": [{\"name\": \"mine\", \"url\": \"https://unitynuget-registry.openupm.com/\", \"scopes\": [\"org.other\"]},"
                + "{\"name\": \"x\", \"url\": \"https://x\", \"scopes\": []}], \"enableLockFile\": true, \"n\": -1.50e3, \"o\": null, \"e\": {}}";
            var root = (JsonObject)Json.Read(ManifestEdit.Add(Full))!;
            var dependencies = (JsonObject)root["dependencies"]!;
            Assert.That(dependencies["org.nuget.grpc.net.client"], Is.EqualTo("2.71.0"));
            Assert.That(dependencies["a"], Is.EqualTo("file:../a\"b"));
            Assert.That(dependencies.Keys, Has.Count.EqualTo(1 + ManifestEdit.Needed.Count));
            Assert.That(ManifestEdit.Add(Full), Does.Contain("-1.50e3").And.Contain("\"o\": null").And.Contain("\"e\": {}"));
            var registries = (System.Collections.Generic.List<object?>)root["scopedRegistries"]!;
            Assert.That(registries, Has.Count.EqualTo(2));
            Assert.That(((JsonObject)registries[0]!)["scopes"], Is.EqualTo(new[] { "org.other", "org.nuget" }));
        }

        [Test]
        public void Json_is_written_as_it_was_read()
        {
            const string Text = "{\n  \"a\": [\n    \"ä\\\"\\\\\\n\\u0001\",\n    true,\n    {}\n  ],\n  \"b\": []\n}\n";
            Assert.That(Json.Write(Json.Read(Text)), Is.EqualTo(Text));
        }

        [TestCase("")]
        [TestCase("{")]
        [TestCase("{\"a\" 1}")]
        [TestCase("{\"a\": 1} x")]
        [TestCase("{\"a\": \"\\u12\"}")]
        [TestCase("[1, 2]")]
        [TestCase("{\"a\": tru}")]
        public void What_is_no_manifest_is_refused_and_not_overwritten(string text) =>
            Assert.Throws<FormatException>(() => ManifestEdit.Add(text));

        [Test]
        public void Every_prefix_of_a_manifest_is_refused_without_another_error()
        {
            var whole = ManifestEdit.Add("{\"dependencies\": {\"a\": \"\\u00e4\"}, \"t\": [true, null, 1]}").TrimEnd();
            foreach (var length in Enumerable.Range(0, whole.Length - 1))
            {
                Assert.Throws<FormatException>(() => Json.Read(whole.Substring(0, length)));
            }
        }
    }
}
