//! Values that are one word of a list: each enum, with the words that mean its variants.
//!
//! The first word of a variant is the one CONFIG GET prints. Several words may mean the same variant.

/// An enum whose variants are written as words.
pub(crate) trait Words: Copy + PartialEq + 'static {
    /// The words in the order in which error messages list them, each with its variant.
    const WORDS: &'static [(&'static str, Self)];
}

/// Declares an enum together with its words; the first variant is only the blank value before defaults are applied.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $first:ident, $($variant:ident),* $(,)? }
        [$($word:literal = $meaning:ident),* $(,)?]
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "a variant means what CONFIG.md says of its word")]
        pub enum $name { #[default] $first, $($variant),* }

        impl Words for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $name::$meaning)),*];
        }

        impl $name {
            /// The word for this value, as CONFIG GET prints it.
            pub fn word(self) -> &'static str {
                Self::WORDS.iter().find(|(_, value)| *value == self).map_or("unknown", |(word, _)| word)
            }
        }
    };
}

words! {
    /// Value of `maxmemory-policy`.
    MaxmemoryPolicy {
        NoEviction, AllkeysLru, AllkeysLfu, AllkeysRandom, VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl,
    } [
        "volatile-lru" = VolatileLru, "volatile-lfu" = VolatileLfu, "volatile-random" = VolatileRandom,
        "volatile-ttl" = VolatileTtl, "allkeys-lru" = AllkeysLru, "allkeys-lfu" = AllkeysLfu,
        "allkeys-random" = AllkeysRandom, "noeviction" = NoEviction,
    ]
}

words! {
    /// Value of `appendfsync`.
    AppendFsync { Everysec, Always, No } ["everysec" = Everysec, "always" = Always, "no" = No]
}

words! {
    /// Value of `loglevel`, from the most to the least talkative.
    LogLevel { Debug, Verbose, Notice, Warning, Nothing }
    ["debug" = Debug, "verbose" = Verbose, "notice" = Notice, "warning" = Warning, "nothing" = Nothing]
}

words! {
    /// Value of `log-format`.
    LogFormat { Text, Json, Logfmt } ["text" = Text, "legacy" = Text, "json" = Json, "logfmt" = Logfmt]
}

words! {
    /// Value of `log-timestamp-format`.
    LogTimestampFormat { Legacy, Iso8601, Milliseconds }
    ["legacy" = Legacy, "iso8601" = Iso8601, "milliseconds" = Milliseconds]
}

words! {
    /// Value of `supervised`.
    Supervised { No, Upstart, Systemd, Auto } ["upstart" = Upstart, "systemd" = Systemd, "auto" = Auto, "no" = No]
}

words! {
    /// Value of `syslog-facility`.
    SyslogFacility { User, Local0, Local1, Local2, Local3, Local4, Local5, Local6, Local7 } [
        "user" = User, "local0" = Local0, "local1" = Local1, "local2" = Local2, "local3" = Local3, "local4" = Local4,
        "local5" = Local5, "local6" = Local6, "local7" = Local7,
    ]
}

words! {
    /// Value of `oom-score-adj`.
    OomScoreAdj { No, Relative, Absolute }
    ["no" = No, "yes" = Relative, "relative" = Relative, "absolute" = Absolute]
}

words! {
    /// Who may use a command or change a directive that is dangerous to leave open.
    Permission { No, Yes, Local } ["no" = No, "yes" = Yes, "local" = Local]
}

impl Permission {
    /// Whether a client may, given whether it is one of this machine (loopback or Unix socket).
    pub fn allows(self, client_is_local: bool) -> bool {
        self == Permission::Yes || (self == Permission::Local && client_is_local)
    }
}

words! {
    /// Value of `acl-pubsub-default`.
    AclPubsubDefault { ResetChannels, AllChannels } ["allchannels" = AllChannels, "resetchannels" = ResetChannels]
}

words! {
    /// Value of `sanitize-dump-payload`.
    SanitizeDumpPayload { No, Yes, Clients } ["no" = No, "yes" = Yes, "clients" = Clients]
}

words! {
    /// Value of `rdb-version-check`.
    RdbVersionCheck { Strict, Relaxed } ["strict" = Strict, "relaxed" = Relaxed]
}

words! {
    /// Value of `rdb-hash-ttl-format`.
    HashTtlFormat { Redis, Valkey } ["redis" = Redis, "valkey" = Valkey]
}

words! {
    /// Value of `repl-diskless-load`.
    ReplDisklessLoad { Disabled, OnEmptyDb, SwapDb, FlushBeforeLoad } [
        "disabled" = Disabled, "on-empty-db" = OnEmptyDb, "swapdb" = SwapDb, "flush-before-load" = FlushBeforeLoad,
    ]
}

words! {
    /// Value of `propagation-error-behavior`.
    PropagationErrorBehavior { Ignore, Panic, PanicOnReplicas }
    ["ignore" = Ignore, "panic" = Panic, "panic-on-replicas" = PanicOnReplicas]
}

words! {
    /// Value of `cluster-preferred-endpoint-type`.
    EndpointType { Ip, Hostname, UnknownEndpoint }
    ["ip" = Ip, "hostname" = Hostname, "unknown-endpoint" = UnknownEndpoint]
}

words! {
    /// Value of `cluster-config-save-behavior`.
    ClusterConfigSave { Sync, BestEffort } ["sync" = Sync, "best-effort" = BestEffort]
}

words! {
    /// Value of `tls-auth-clients`.
    TlsAuthClients { No, Yes, Optional } ["no" = No, "yes" = Yes, "optional" = Optional]
}

words! {
    /// Value of `tls-auth-clients-user`.
    TlsAuthClientsUser { Off, CommonName, Uri } ["CN" = CommonName, "URI" = Uri, "off" = Off]
}
