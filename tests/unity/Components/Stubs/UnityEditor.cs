// What the package uses of UnityEditor, written after its published interface: for compiling, never for running.
#pragma warning disable CS1591, CS0067, CA1822, CA1711, CA1003, CA1008, CA1815, IDE1006
#nullable disable
using System;
using UnityEngine;

namespace UnityEditor
{
    public enum MessageType
    {
        None,
        Info,
        Warning,
        Error,
    }

    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title)
            where T : EditorWindow => null;

        public void Repaint()
        {
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName, bool isValidateFunction = false)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class InitializeOnLoadMethodAttribute : Attribute
    {
    }

    public static class EditorStyles
    {
        public static GUIStyle boldLabel => null;
    }

    public static class EditorGUI
    {
        public sealed class DisabledScope : IDisposable
        {
            public DisabledScope(bool disabled)
            {
            }

            public void Dispose()
            {
            }
        }
    }

    public static class EditorGUILayout
    {
        public static void LabelField(string label, GUIStyle style, params GUILayoutOption[] options)
        {
        }

        public static void Space()
        {
        }

        public static void HelpBox(string message, MessageType type)
        {
        }

        public static bool Toggle(string label, bool value, params GUILayoutOption[] options) => value;

        public static string TextField(string label, string text, params GUILayoutOption[] options) => text;

        public static string TextArea(string text, params GUILayoutOption[] options) => text;

        public static Vector2 BeginScrollView(Vector2 scrollPosition, params GUILayoutOption[] options) => scrollPosition;

        public static void EndScrollView()
        {
        }
    }

    public static class EditorUtility
    {
        public static bool DisplayDialog(string title, string message, string ok, string cancel) => false;
    }

    public static class SessionState
    {
        public static void SetString(string key, string value)
        {
        }

        public static string GetString(string key, string defaultValue) => defaultValue;

        public static void EraseString(string key)
        {
        }
    }

    public static class EditorApplication
    {
        public static event Action quitting;
    }

    public static class AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback();

        public static event AssemblyReloadCallback beforeAssemblyReload;
    }

    public static class Selection
    {
        public static GameObject[] gameObjects => null;
    }

    public class SceneView
    {
        public static SceneView lastActiveSceneView => null;

        public Camera camera => null;
    }

    public static class AssetDatabase
    {
        public static string[] FindAssets(string filter) => null;

        public static string GUIDToAssetPath(string guid) => null;

        public static T LoadAssetAtPath<T>(string assetPath)
            where T : UnityEngine.Object => null;
    }
}

namespace UnityEditor.PackageManager
{
    public static class Client
    {
        public static void Resolve()
        {
        }
    }
}
