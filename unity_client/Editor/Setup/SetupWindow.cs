#nullable enable
using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using UnityEditor;
using UnityEngine;

namespace Scenewright
{
    /// <summary>Window > Scenewright: adds what is missing, starts a server, checks the connection.</summary>
    internal sealed class SetupWindow : EditorWindow
    {
        private const string Manifest = "Packages/manifest.json";
        private const string Port = "7447";

        [SerializeField] private string _address = "127.0.0.1:" + Port;
        [SerializeField] private bool _forPhones;

        private string _said = string.Empty;
        private Vector2 _scroll;

        /// <summary>
        /// Asks a server what it runs; the Editor assembly sets it, which compiles only where the libraries are.
        /// </summary>
        public static Func<string, Task<string>>? CheckConnection { get; set; }

        [MenuItem("Window/Scenewright")]
        private static void Open() => GetWindow<SetupWindow>("Scenewright");

        private void OnGUI()
        {
            ShowLibraries();
            EditorGUILayout.Space();
            ShowServer();
            EditorGUILayout.Space();
            ShowConnection();
        }

        private void ShowLibraries()
        {
            EditorGUILayout.LabelField("Libraries", EditorStyles.boldLabel);
            try
            {
                var manifest = File.ReadAllText(Manifest);
                var missing = ManifestEdit.Missing(manifest);
                if (missing.Count == 0)
                {
                    EditorGUILayout.HelpBox("Everything is there.", MessageType.Info);
                    return;
                }

                var list = string.Join("\n", missing.Select(item => "- " + item));
                EditorGUILayout.HelpBox("Missing:\n" + list, MessageType.Warning);
                if (GUILayout.Button("Add to Packages/manifest.json ...")
                    && EditorUtility.DisplayDialog("Scenewright", $"Add to {Manifest}:\n\n{list}", "Add", "Cancel"))
                {
                    File.WriteAllText(Manifest, ManifestEdit.Add(manifest));
                    UnityEditor.PackageManager.Client.Resolve();
                }
            }
            catch (Exception wrong) when (wrong is FormatException || wrong is IOException)
            {
                EditorGUILayout.HelpBox($"{Manifest} cannot be read: {wrong.Message}", MessageType.Error);
            }
        }

        private void ShowServer()
        {
            EditorGUILayout.LabelField("Local server", EditorStyles.boldLabel);
            _forPhones = EditorGUILayout.Toggle("Phones may connect", _forPhones);
            if (_forPhones)
            {
                var addresses = LocalServer.LanAddresses().Select(address => $"{address}:{Port}");
                EditorGUILayout.HelpBox("A phone connects to " + string.Join(" or ", addresses), MessageType.Info);
            }

            if (LocalServer.IsRunning && GUILayout.Button("Stop local server"))
            {
                LocalServer.Stop();
            }
            else if (!LocalServer.IsRunning && GUILayout.Button("Start local server"))
            {
                LocalServer.Start((_forPhones ? "0.0.0.0:" : "127.0.0.1:") + Port);
            }

            _scroll = EditorGUILayout.BeginScrollView(_scroll, GUILayout.Height(120));
            EditorGUILayout.TextArea(string.Join("\n", LocalServer.Log));
            EditorGUILayout.EndScrollView();
        }

        private async void ShowConnection()
        {
            EditorGUILayout.LabelField("Connection", EditorStyles.boldLabel);
            _address = EditorGUILayout.TextField("Address", _address);
            EditorGUILayout.HelpBox(_said.Length > 0 ? _said : "Not checked yet.", MessageType.None);
            using (new EditorGUI.DisabledScope(CheckConnection == null))
            {
                if (!GUILayout.Button("Check connection"))
                {
                    return;
                }
            }

            _said = "...";
            try
            {
                _said = await CheckConnection!(_address);
            }
            catch (Exception error)
            {
                _said = error.Message;
            }

            Repaint();
        }

        private void OnInspectorUpdate() => Repaint();
    }
}
