#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;

namespace Scenewright
{
    /// <summary>
    /// What Packages/manifest.json must have for this package: the registry that serves NuGet packages to Unity, the libraries,
    /// and what speaks HTTP/2. Pure text in, text out.
    /// </summary>
    internal static class ManifestEdit
    {
        public const string RegistryUrl = "https://unitynuget-registry.openupm.com";
        private const string Scope = "org.nuget";

        /// <summary>Packages, and the versions that were tried together.</summary>
        public static readonly IReadOnlyList<(string Name, string Version)> Needed = new[]
        {
            ("org.nuget.google.protobuf", "3.36.2"),
            ("org.nuget.grpc.net.client", "2.85.0"),
            ("org.nuget.microsoft.bcl.timeprovider", "10.0.12"),
            ("org.nuget.system.threading.channels", "10.0.12"),
            ("org.nuget.system.io.pipelines", "10.0.12"),
            (
                "com.cysharp.yetanotherhttphandler",
                "https://github.com/Cysharp/YetAnotherHttpHandler.git?path=src/YetAnotherHttpHandler#1.11.4"
            ),
        };

        /// <summary>What is missing, a line each; none if all is there. Throws FormatException for what is no manifest.</summary>
        public static IReadOnlyList<string> Missing(string manifest)
        {
            var root = Root(manifest);
            var missing = new List<string>();
            if (Registry(root) == null || !Scopes(Registry(root)!).Contains(Scope))
            {
                missing.Add($"the registry {RegistryUrl} for {Scope}");
            }

            var there = Dependencies(root);
            missing.AddRange(Needed.Where(item => there[item.Name] == null).Select(item => $"{item.Name} {item.Version}"));
            return missing;
        }

        /// <summary>
        /// The manifest with what was missing; everything else, versions that are there included, stays as it is.
        /// </summary>
        public static string Add(string manifest)
        {
            var root = Root(manifest);
            var registry = Registry(root);
            if (registry == null)
            {
                registry = new JsonObject { ["name"] = "Unity NuGet", ["url"] = RegistryUrl, ["scopes"] = new List<object?>() };
                var registries = root["scopedRegistries"] as List<object?> ?? new List<object?>();
                registries.Add(registry);
                root["scopedRegistries"] = registries;
            }

            var scopes = Scopes(registry);
            if (!scopes.Contains(Scope))
            {
                scopes.Add(Scope);
            }

            registry["scopes"] = scopes;
            var dependencies = Dependencies(root);
            foreach (var (name, version) in Needed.Where(item => dependencies[item.Name] == null))
            {
                dependencies[name] = version;
            }

            root["dependencies"] = dependencies;
            return Json.Write(root);
        }

        private static JsonObject Root(string manifest) =>
            Json.Read(manifest) as JsonObject ?? throw new FormatException("the manifest is no JSON object");

        private static JsonObject Dependencies(JsonObject root) => root["dependencies"] as JsonObject ?? new JsonObject();

        private static JsonObject? Registry(JsonObject root) => (root["scopedRegistries"] as List<object?>)?
            .OfType<JsonObject>()
            .FirstOrDefault(item => (item["url"] as string)?.TrimEnd('/') == RegistryUrl);

        private static List<object?> Scopes(JsonObject registry) => registry["scopes"] as List<object?> ?? new List<object?>();
    }
}
