//! Who may do what.

use super::prelude::*;

/// The topic "Security".
pub(crate) const TOPIC: Topic = Topic {
    title: "Security",
    intro: "Anyone who reaches an unprotected server can read, change and delete everything in it.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::secret("requirepass", secret!(requirepass))
        .doc("Password of the default user, for AUTH; empty asks for none."),
    Directive::statement("user", "worker +@list +@connection ~jobs:* on >ffa9203c493aa99")
        .sensitive()
        .doc("An ACL user: name, then rules, as ACL SETUSER takes them. CONFIG REWRITE writes the present users."),
    Directive::text("aclfile", text!(aclfile), "")
        .at_start()
        .doc("File of ACL users, one a line as ACL LIST shows them, for ACL LOAD and ACL SAVE; relative to `dir`. Excludes `user` lines, and \
              `requirepass` counts only until it is loaded."),
    Directive::integer("acllog-max-len", int!(acllog_max_len), 0, I64_MAX, "128")
        .doc("Length of the list that ACL LOG shows."),
    Directive::choice("acl-pubsub-default", choice!(acl_pubsub_default), "resetchannels")
        .doc("Channels of a new user or selector: all, or none until granted."),
    Directive::choice("enable-protected-configs", choice!(enable_protected_configs), "no")
        .at_start()
        .doc("Whether CONFIG SET may change `dir` and `dbfilename`: never, always, or by clients of this machine."),
    Directive::choice("enable-debug-command", choice!(enable_debug_command), "no")
        .at_start()
        .doc("The same for the DEBUG command."),
    Directive::choice("enable-module-command", choice!(enable_module_command), "no")
        .at_start()
        .doc("The same for the MODULE command, which loads nothing here in any case."),
    Directive::statement("rename-command", "CONFIG b840fc02d524045429941cc15f59e41cb7be6c52")
        .doc("Gives a command another name, or none with `\"\"`. Users with rules are the better way."),
    Directive::boolean("lua-enable-deprecated-api", flag!(lua_enable_deprecated_api), "no")
        .at_start()
        .hidden()
        .no_effect("there are no scripts")
        .doc("Offers old and unsafe Lua functions to scripts."),
    Directive::boolean("lua-enable-insecure-api", flag!(lua_enable_insecure_api), "no")
        .protected()
        .hidden()
        .no_effect("there are no scripts")
        .doc("The same in Valkey."),
    Directive::statement("loadmodule", "/path/to/module.so")
        .refused("modules are not supported")
        .doc("Loads a module."),
    Directive::secret("hash-seed", secret!(hash_seed))
        .at_start()
        .hidden()
        .no_effect("keys are hashed with a random key of this process")
        .doc("Seed of the hash function (Valkey)."),
];
