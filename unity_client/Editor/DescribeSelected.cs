#nullable enable
using System;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Scenewright
{
    /// <summary>GameObject > Scenewright > Describe selected: what a server says of the selected things, in the Console.</summary>
    internal static class DescribeSelected
    {
        private const string Item = "GameObject/Scenewright/Describe selected";

        [MenuItem(Item)]
        private static async void Describe()
        {
            var things = Selection.gameObjects.SelectMany(item => item.GetComponentsInChildren<SceneThing>()).ToArray();
            if (things.Length == 0)
            {
                Debug.LogWarning("Scenewright: nothing selected is a Scene Thing");
                return;
            }

            try
            {
                var settings = Connection() is { } connection
                    ? connection.ToSettings()
                    : new ClientSettings { CreateHandler = HttpHandlers.ForThisPlatform(tls: false) };
                using var client = new ScenewrightClient(settings);
                var camera = SceneView.lastActiveSceneView != null ? SceneView.lastActiveSceneView.camera : null;
                var scene = new SceneGraph(things.Select(thing => thing.Read()).ToArray())
                {
                    Viewpoint = camera == null ? null : new Viewpoint(UnityConversions.WorldPoseOf(camera.transform)),
                };
                var said = await client.DescribeAsync(null, scene, string.Empty, EditorCalls.UntilReload);
                Debug.Log("Scenewright: " + said.Text);
            }
            catch (OperationCanceledException)
            {
            }
            catch (ScenewrightException error)
            {
                Debug.LogError($"Scenewright: {error.Message}");
            }
        }

        [MenuItem(Item, true)]
        private static bool CanDescribe() => Selection.gameObjects.Length > 0;

        private static ScenewrightConnection? Connection()
        {
            var found = AssetDatabase.FindAssets($"t:{nameof(ScenewrightConnection)}").FirstOrDefault();
            return found == null
                ? null
                : AssetDatabase.LoadAssetAtPath<ScenewrightConnection>(AssetDatabase.GUIDToAssetPath(found));
        }
    }
}
