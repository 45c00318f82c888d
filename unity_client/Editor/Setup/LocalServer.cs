#nullable enable
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using UnityEditor;

namespace Scenewright
{
    /// <summary>
    /// `scenewright serve` on this machine. It ends when its input closes: with the Editor, even when that crashes. A reload of
    /// code ends it too; it is started again after it.
    /// </summary>
    internal static class LocalServer
    {
        private const int MaxLines = 500;
        private const string WantedKey = "Scenewright.LocalServer";
        private static readonly Queue<string> _log = new Queue<string>();
        private static Process? _process;

        /// <summary>It runs.</summary>
        public static bool IsRunning => _process is { HasExited: false };

        /// <summary>The last lines of its log.</summary>
        public static string[] Log
        {
            get
            {
                lock (_log)
                {
                    return _log.ToArray();
                }
            }
        }

        /// <summary>Start it at HOST:PORT; false, with the reason in the log, if it is not installed.</summary>
        public static bool Start(string address)
        {
            Stop();
            var start = new ProcessStartInfo("scenewright", $"serve --address {address} --log-format json --until-stdin-closes")
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                CreateNoWindow = true,
            };
            var process = new Process { StartInfo = start };
            process.OutputDataReceived += (_, line) => Note(line.Data);
            process.ErrorDataReceived += (_, line) => Note(line.Data);
            try
            {
                process.Start();
            }
            catch (System.ComponentModel.Win32Exception missing)
            {
                Note($"scenewright does not start: {missing.Message} (pip install 'scenewright[server]')");
                process.Dispose();
                return false;
            }

            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _process = process;
            SessionState.SetString(WantedKey, address);
            return true;
        }

        /// <summary>End it.</summary>
        public static void Stop()
        {
            SessionState.EraseString(WantedKey);
            Close();
        }

        /// <summary>This machine's addresses on the local network: what a phone must use.</summary>
        public static IReadOnlyList<string> LanAddresses()
        {
            var found = new List<string>();
            foreach (var card in NetworkInterface.GetAllNetworkInterfaces())
            {
                if (card.OperationalStatus != OperationalStatus.Up || card.NetworkInterfaceType == NetworkInterfaceType.Loopback)
                {
                    continue;
                }

                foreach (var address in card.GetIPProperties().UnicastAddresses)
                {
                    if (address.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address.Address))
                    {
                        found.Add(address.Address.ToString());
                    }
                }
            }

            return found;
        }

        [InitializeOnLoadMethod]
        private static void Watch()
        {
            AssemblyReloadEvents.beforeAssemblyReload += Close;
            EditorApplication.quitting += Close;
            var wanted = SessionState.GetString(WantedKey, string.Empty);
            if (wanted.Length > 0)
            {
                Start(wanted);
            }
        }

        private static void Close()
        {
            var process = _process;
            _process = null;
            if (process == null)
            {
                return;
            }

            try
            {
                process.StandardInput.Close();
            }
            catch (Exception gone) when (gone is InvalidOperationException || gone is System.IO.IOException)
            {
                Note($"the server had ended: {gone.Message}");
            }

            process.Dispose();
        }

        private static void Note(string? line)
        {
            if (string.IsNullOrEmpty(line))
            {
                return;
            }

            lock (_log)
            {
                _log.Enqueue(line!);
                while (_log.Count > MaxLines)
                {
                    _log.Dequeue();
                }
            }
        }
    }
}
