//! A command's syntax, one line in the notation of Redis's manual, and the argument tree that COMMAND DOCS makes of it.
//!
//! ```text
//! word            an argument, named and shown so; its type comes from the word (`key`, `seconds`, `pattern`, else a string)
//! WORD            a token, matched as it stands: it binds to what follows it (`EX seconds`) or stands alone (`GET`)
//! [ .. ]          optional
//! < .. >          required, to enclose alternatives
//! a | b           one of these
//! x [x ...]       once or more; a token in the repeat (`GET pattern [GET pattern ...]`) stands before each
//! [a | b [a | ...]]   the repeat of all alternatives, which may be cut short by `...` anywhere
//! ```
//!
//! Where COMMAND DOCS knows more than the notation shows, a suffix says it, on a word or behind a closing bracket:
//! `@name` (what is shown stays), `:type` (`offset:string`), `#n` (the key specification that finds this key),
//! `^version` (since when), `!version` (deprecated since), in this order.
//! Groups without a name get one: their token's, a customary one (`NX | XX` is a `condition`), or their parts' joined by `-`.
//!
//! A token before a group's other words belongs to the whole group: `[LIMIT offset count]` is a block `limit`. Outside of groups it
//! takes what follows up to the next token or optional group.

mod groups;
mod lexemes;
mod words;

use groups::{Parser, Part, Scope, bind_tokens, one_of};
use lexemes::lex;

/// What an argument is, in COMMAND DOCS's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any bytes.
    String,
    /// A whole number.
    Integer,
    /// A floating-point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob pattern.
    Pattern,
    /// A point in time since 1970, in seconds or milliseconds.
    UnixTime,
    /// A word that must stand as it is.
    PureToken,
    /// One of the children.
    OneOf,
    /// All children, in their order.
    Block,
}

impl Type {
    /// The word for it in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Integer => "integer",
            Type::Double => "double",
            Type::Key => "key",
            Type::Pattern => "pattern",
            Type::UnixTime => "unix-time",
            Type::PureToken => "pure-token",
            Type::OneOf => "oneof",
            Type::Block => "block",
        }
    }
}

/// One argument, or a group of them, as COMMAND DOCS tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// The word that help texts show; `None` for groups.
    pub display_text: Option<String>,
    /// What it is.
    pub kind: Type,
    /// For keys: which of the command's key specifications finds it, from 0.
    pub key_spec_index: Option<usize>,
    /// The token before it, or that it is. The token written `""` is the empty text.
    pub token: Option<String>,
    /// The version of Redis that had it first, when that is later than the command's.
    pub since: Option<String>,
    /// The version of Redis from which on something else is to be used.
    pub deprecated_since: Option<String>,
    /// May be left out.
    pub optional: bool,
    /// May come more than once.
    pub multiple: bool,
    /// When it comes more than once, so does its token.
    pub multiple_token: bool,
    /// The members of a group.
    pub children: Vec<Argument>,
}

impl Argument {
    /// The flags that are set, by their names in COMMAND DOCS.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let flags = [(self.optional, "optional"), (self.multiple, "multiple"), (self.multiple_token, "multiple_token")];
        flags.into_iter().filter_map(|(set, name)| set.then_some(name))
    }

    fn leaf(name: &str, kind: Type, token: Option<String>) -> Argument {
        Argument {
            name: name.to_owned(),
            display_text: Some(name.to_owned()),
            kind,
            key_spec_index: None,
            token,
            since: None,
            deprecated_since: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            children: Vec::new(),
        }
    }

    fn group(kind: Type, children: Vec<Argument>) -> Argument {
        let name = children.iter().map(|child| child.name.as_str()).collect::<Vec<_>>().join("-");
        Argument { display_text: None, children, ..Argument::leaf(&name, kind, None) }
    }
}

/// Parses a syntax line, without the command's name. An empty line has no arguments.
///
/// Fails with a sentence that names the place when brackets do not match, a group is empty, a repeat repeats nothing, or a suffix is
/// not one.
pub fn parse(line: &str) -> Result<Vec<Argument>, String> {
    let lexemes = lex(line)?;
    if lexemes.is_empty() {
        return Ok(Vec::new());
    }
    let mut parser = Parser { lexemes: &lexemes, at: 0 };
    let body = parser.body(None)?;
    let mut arguments = match <[Vec<Part>; 1]>::try_from(body.alternatives) {
        Ok([parts]) => bind_tokens(parts, Scope::Line).into_iter().map(|part| part.argument).collect(),
        Err(alternatives) => vec![Argument { multiple: body.repeats, ..one_of(alternatives).argument }],
    };
    number_keys(&mut arguments, &mut KeyNumbers::default());
    Ok(arguments)
}

/// Prints an argument tree as a line of the notation, without suffixes, as help texts show it.
pub fn print(arguments: &[Argument]) -> String {
    arguments.iter().map(print_argument).collect::<Vec<_>>().join(" ")
}

fn print_argument(argument: &Argument) -> String {
    let mut body = match argument.kind {
        Type::PureToken => String::new(),
        Type::Block => print(&argument.children),
        Type::OneOf => argument.children.iter().map(print_argument).collect::<Vec<_>>().join(" | "),
        _ => argument.display_text.clone().unwrap_or_default(),
    };
    let token = argument.token.as_deref().map(|token| if token.is_empty() { "\"\"" } else { token });
    let with_token = |body: &str| format!("{} {body}", token.unwrap_or_default()).trim().to_owned();
    if argument.multiple {
        let repeat = if argument.multiple_token { with_token(&body) } else { body.clone() };
        let first = if argument.kind == Type::PureToken { String::new() } else { body };
        body = format!("{first} [{repeat} ...]").trim().to_owned();
    }
    if argument.kind == Type::OneOf && (token.is_some() || !argument.optional) {
        body = format!("<{body}>");
    }
    let text = with_token(&body);
    if argument.optional { format!("[{text}]") } else { text }
}

/// What the numbering of keys remembers from left to right.
#[derive(Default)]
struct KeyNumbers {
    next: usize,
    first_of_pair: Option<usize>,
}

/// Keys are found by one specification each, in their order; `key1` and `key2` stand side by side and share one.
fn number_keys(arguments: &mut [Argument], numbers: &mut KeyNumbers) {
    for argument in arguments {
        if argument.kind == Type::Key && argument.key_spec_index.is_none() {
            let shared = if argument.name == "key2" { numbers.first_of_pair } else { None };
            argument.key_spec_index = Some(shared.unwrap_or(numbers.next));
        }
        if let Some(index) = argument.key_spec_index {
            numbers.next = numbers.next.max(index + 1);
            numbers.first_of_pair = Some(index);
        }
        number_keys(&mut argument.children, numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syntax lines with what Redis 8.0's COMMAND DOCS answers for these commands, as [`tell`] tells it.
    #[rustfmt::skip]
    const REDIS_8_0: &[(&str, &str, &str)] = &[
        ("append", "key value",
            "key key #0; string value"),
        ("bitcount", "key [start end [BYTE | BIT]]@range",
            "key key #0; block range optional {integer start; integer end; oneof unit optional {pure-token byte token=BYTE; pure-token bit token=BIT}}"),
        ("bitfield", "key [<GET encoding offset>@get-block | <[OVERFLOW <WRAP | SAT | FAIL>@overflow-block] <<SET encoding offset value:integer>@set-block | <INCRBY encoding offset increment>@incrby-block>@write-operation>@write [<GET encoding offset> | <[OVERFLOW <WRAP | SAT | FAIL>] <<SET encoding offset value> | <INCRBY encoding offset increment>>> ...]]@operation",
            "key key #0; oneof operation optional multiple {block get-block token=GET {string encoding; integer offset}; block write {oneof overflow-block token=OVERFLOW optional {pure-token wrap token=WRAP; pure-token sat token=SAT; pure-token fail token=FAIL}; oneof write-operation {block set-block token=SET {string encoding; integer offset; integer value}; block incrby-block token=INCRBY {string encoding; integer offset; integer increment}}}}"),
        ("bitfield_ro", "key [GET encoding offset [GET encoding offset ...]@get-block]",
            "key key #0; block get-block token=GET optional multiple multiple_token {string encoding; integer offset}"),
        ("bitop", "<AND | OR | XOR | NOT> destkey key [key ...]",
            "oneof operation {pure-token and token=AND; pure-token or token=OR; pure-token xor token=XOR; pure-token not token=NOT}; key destkey #0; key key #1 multiple"),
        ("bitpos", "key bit [start [end [BYTE | BIT]]@end-unit-block]@range",
            "key key #0; integer bit; block range optional {integer start; block end-unit-block optional {integer end; oneof unit optional {pure-token byte token=BYTE; pure-token bit token=BIT}}}"),
        ("setbit", "key offset value:integer",
            "key key #0; integer offset; integer value"),
        ("client kill", "<ip:port@old-format | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>@client-type] | [USER username] | [ADDR ip:port@addr] | [LADDR ip:port@laddr] | [SKIPME <YES | NO>] | [MAXAGE maxage] [[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage] ...]>@new-format>@filter",
            "oneof filter {string old-format as ip:port; oneof new-format multiple {integer client-id token=ID optional; oneof client-type token=TYPE optional {pure-token normal token=NORMAL; pure-token master token=MASTER; pure-token slave token=SLAVE; pure-token replica token=REPLICA; pure-token pubsub token=PUBSUB}; string username token=USER optional; string addr as ip:port token=ADDR optional; string laddr as ip:port token=LADDR optional; oneof skipme token=SKIPME optional {pure-token yes token=YES; pure-token no token=NO}; integer maxage token=MAXAGE optional}}"),
        ("client list", "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>@client-type] [ID client-id [client-id ...]]",
            "oneof client-type token=TYPE optional {pure-token normal token=NORMAL; pure-token master token=MASTER; pure-token replica token=REPLICA; pure-token pubsub token=PUBSUB}; integer client-id token=ID optional multiple"),
        ("client pause", "timeout:integer [WRITE | ALL]@mode",
            "integer timeout; oneof mode optional {pure-token write token=WRITE; pure-token all token=ALL}"),
        ("client tracking", "<ON | OFF>@status [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
            "oneof status {pure-token on token=ON; pure-token off token=OFF}; integer client-id token=REDIRECT optional; string prefix token=PREFIX optional multiple multiple_token; pure-token bcast token=BCAST optional; pure-token optin token=OPTIN optional; pure-token optout token=OPTOUT optional; pure-token noloop token=NOLOOP optional"),
        ("command list", "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
            "oneof filterby token=FILTERBY optional {string module-name token=MODULE; string category token=ACLCAT; pattern pattern token=PATTERN}"),
        ("config set", "parameter value [parameter value ...]",
            "block data multiple {string parameter; string value}"),
        ("copy", "source destination [DB destination-db] [REPLACE]",
            "key source #0; key destination #1; integer destination-db token=DB optional; pure-token replace token=REPLACE optional"),
        ("expire", "key seconds [NX | XX | GT | LT]",
            "key key #0; integer seconds; oneof condition optional {pure-token nx token=NX; pure-token xx token=XX; pure-token gt token=GT; pure-token lt token=LT}"),
        ("failover", "[TO host port [FORCE]]@target [ABORT] [TIMEOUT milliseconds]",
            "block target token=TO optional {string host; integer port; pure-token force token=FORCE optional}; pure-token abort token=ABORT optional; integer milliseconds token=TIMEOUT optional"),
        ("getex", "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
            "key key #0; oneof expiration optional {integer seconds token=EX; integer milliseconds token=PX; unix-time unix-time-seconds token=EXAT; unix-time unix-time-milliseconds token=PXAT; pure-token persist token=PERSIST}"),
        ("hello", "[protover [AUTH username password] [SETNAME clientname]]@arguments",
            "block arguments optional {integer protover; block auth token=AUTH optional {string username; string password}; string clientname token=SETNAME optional}"),
        ("incrbyfloat", "key increment:double",
            "key key #0; double increment"),
        ("info", "[section [section ...]]",
            "string section optional multiple"),
        ("keys", "pattern",
            "pattern pattern"),
        ("lcs", "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
            "key key1 #0; key key2 #0; pure-token len token=LEN optional; pure-token idx token=IDX optional; integer min-match-len token=MINMATCHLEN optional; pure-token withmatchlen token=WITHMATCHLEN optional"),
        ("mget", "key [key ...]",
            "key key #0 multiple"),
        ("migrate", r#"host port <key | ""@empty-string>@key-selector destination-db timeout:integer [COPY] [REPLACE] [AUTH password@auth | AUTH2 username password]@authentication [KEYS key@keys [key ...]]"#,
            "string host; integer port; oneof key-selector {key key #0; pure-token empty-string token=}; integer destination-db; integer timeout; pure-token copy token=COPY optional; pure-token replace token=REPLACE optional; oneof authentication optional {string auth as password token=AUTH; block auth2 token=AUTH2 {string username; string password}}; key keys as key #1 token=KEYS optional multiple"),
        ("mset", "key value [key value ...]",
            "block data multiple {key key #0; string value}"),
        ("object encoding", "key",
            "key key #0"),
        ("ping", "[message]",
            "string message optional"),
        ("psetex", "key milliseconds value",
            "key key #0; integer milliseconds; string value"),
        ("rename", "key newkey",
            "key key #0; key newkey #1"),
        ("restore", "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
            "key key #0; integer ttl; string serialized-value; pure-token replace token=REPLACE optional; pure-token absttl token=ABSTTL optional; integer seconds token=IDLETIME optional; integer frequency token=FREQ optional"),
        ("scan", "cursor [MATCH pattern] [COUNT count] [TYPE type]",
            "integer cursor; pattern pattern token=MATCH optional; integer count token=COUNT optional; string type token=TYPE optional"),
        ("set", "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
            "key key #0; string value; oneof condition optional {pure-token nx token=NX; pure-token xx token=XX}; pure-token get token=GET optional; oneof expiration optional {integer seconds token=EX; integer milliseconds token=PX; unix-time unix-time-seconds token=EXAT; unix-time unix-time-milliseconds token=PXAT; pure-token keepttl token=KEEPTTL}"),
        ("shutdown", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
            "oneof save-selector optional {pure-token nosave token=NOSAVE; pure-token save token=SAVE}; pure-token now token=NOW optional; pure-token force token=FORCE optional; pure-token abort token=ABORT optional"),
        ("sort", "key [BY pattern@by-pattern#1] [LIMIT offset count] [GET pattern@get-pattern#1 [GET pattern ...]] [ASC | DESC] [ALPHA@sorting] [STORE destination]",
            "key key #0; pattern by-pattern as pattern #1 token=BY optional; block limit token=LIMIT optional {integer offset; integer count}; pattern get-pattern as pattern #1 token=GET optional multiple multiple_token; oneof order optional {pure-token asc token=ASC; pure-token desc token=DESC}; pure-token sorting token=ALPHA optional; key destination #2 token=STORE optional"),
        ("swapdb", "index1 index2",
            "integer index1; integer index2"),
        ("wait", "numreplicas timeout:integer",
            "integer numreplicas; integer timeout"),
        ("waitaof", "numlocal:integer numreplicas:integer timeout:integer",
            "integer numlocal; integer numreplicas; integer timeout"),
        ("watch", "key [key ...]",
            "key key #0 multiple"),
        ("xadd", "key [NOMKSTREAM] [<MAXLEN | MINID> [=@equal | ~@approximately]@operator threshold [LIMIT count]]@trim <*@auto-id | id>@id-selector field value [field value ...]",
            "key key #0; pure-token nomkstream token=NOMKSTREAM optional; block trim optional {oneof strategy {pure-token maxlen token=MAXLEN; pure-token minid token=MINID}; oneof operator optional {pure-token equal token==; pure-token approximately token=~}; string threshold; integer count token=LIMIT optional}; oneof id-selector {pure-token auto-id token=*; string id}; block data multiple {string field; string value}"),
        ("xinfo stream", "key [FULL [COUNT count]]@full-block",
            "key key #0; block full-block optional {pure-token full token=FULL; integer count token=COUNT optional}"),
        ("xreadgroup", "<GROUP group consumer>@group-block [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
            "block group-block token=GROUP {string group; string consumer}; integer count token=COUNT optional; integer milliseconds token=BLOCK optional; pure-token noack token=NOACK optional; block streams token=STREAMS {key key #0 multiple; string id multiple}"),
        ("hgetex", "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
            "key key #0; oneof expiration optional {integer seconds token=EX; integer milliseconds token=PX; unix-time unix-time-seconds token=EXAT; unix-time unix-time-milliseconds token=PXAT; pure-token persist token=PERSIST}; block fields token=FIELDS {integer numfields; string field multiple}"),
        ("zadd", "key [NX | XX] [GT | LT] [CH@change] [INCR@increment] score member [score member ...]",
            "key key #0; oneof condition optional {pure-token nx token=NX; pure-token xx token=XX}; oneof comparison optional {pure-token gt token=GT; pure-token lt token=LT}; pure-token change token=CH optional; pure-token increment token=INCR optional; block data multiple {double score; string member}"),
        ("geosearch", "key <FROMMEMBER member | FROMLONLAT longitude latitude>@from <<<BYRADIUS radius> <M | KM | FT | MI>>@circle | <<BYBOX width> height <M | KM | FT | MI>>@box>@by [ASC | DESC] [COUNT count [ANY]]@count-block [WITHCOORD] [WITHDIST] [WITHHASH]",
            "key key #0; oneof from {string member token=FROMMEMBER; block fromlonlat token=FROMLONLAT {double longitude; double latitude}}; oneof by {block circle {double radius token=BYRADIUS; oneof unit {pure-token m token=M; pure-token km token=KM; pure-token ft token=FT; pure-token mi token=MI}}; block box {double width token=BYBOX; double height; oneof unit {pure-token m token=M; pure-token km token=KM; pure-token ft token=FT; pure-token mi token=MI}}}; oneof order optional {pure-token asc token=ASC; pure-token desc token=DESC}; block count-block optional {integer count token=COUNT; pure-token any token=ANY optional}; pure-token withcoord token=WITHCOORD optional; pure-token withdist token=WITHDIST optional; pure-token withhash token=WITHHASH optional"),
    ];

    /// `type name`, then what is out of the ordinary: `as` what is shown, `#` the key specification, token, flags, children.
    fn tell(arguments: &[Argument]) -> String {
        arguments.iter().map(tell_one).collect::<Vec<_>>().join("; ")
    }

    fn tell_one(argument: &Argument) -> String {
        let mut words = vec![argument.kind.name().to_owned(), argument.name.clone()];
        words.extend(
            argument.display_text.iter().filter(|text| **text != argument.name).map(|text| format!("as {text}")),
        );
        words.extend(argument.key_spec_index.map(|index| format!("#{index}")));
        words.extend(argument.token.iter().map(|token| format!("token={token}")));
        words.extend(argument.flags().map(str::to_owned));
        if !argument.children.is_empty() {
            words.push(format!("{{{}}}", tell(&argument.children)));
        }
        words.join(" ")
    }

    #[test]
    fn trees_are_those_of_redis() {
        for (command, line, expected) in REDIS_8_0 {
            let tree = parse(line).unwrap_or_else(|problem| panic!("{command}: {problem}"));
            assert_eq!(tell(&tree), *expected, "{command} {line}");
        }
    }

    #[test]
    fn printed_lines_parse_and_print_the_same() {
        for (command, line, _) in REDIS_8_0 {
            let printed = print(&parse(line).unwrap());
            let again = parse(&printed).unwrap_or_else(|problem| panic!("{command} {printed}: {problem}"));
            assert_eq!(print(&again), printed, "{command}");
            assert!(!printed.contains(['@', '#']), "{command}: {printed}");
        }
    }

    #[test]
    fn a_line_without_suffixes_prints_as_it_is() {
        for line in [
            "key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | KEEPTTL]",
            "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> \
             [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> ...]]",
            "numkeys key value [key value ...] [NX | XX]",
            "<host port | NO ONE>",
            "path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
            "[WORD [WORD ...]]",
            "host port <key | \"\">",
            "",
        ] {
            assert_eq!(print(&parse(line).unwrap()), line);
        }
    }

    #[test]
    fn a_repeat_of_alternatives_may_be_cut_short() {
        let full = parse(
            "key [GET offset | [OVERFLOW <WRAP | SAT>] <SET offset> [GET offset | [OVERFLOW <WRAP | SAT>] <SET offset> ...]]",
        );
        for repeat in ["[GET offset | [OVERFLOW ...] ...]", "[GET offset | ...]"] {
            let cut = parse(&format!("key [GET offset | [OVERFLOW <WRAP | SAT>] <SET offset> {repeat}]"));
            assert_eq!(cut, full);
        }
        assert!(full.unwrap()[1].multiple);
    }

    #[test]
    fn later_commands_get_customary_names() {
        let tree = parse("key value [NX | XX | IFEQ comparison-value | IFNE comparison-value] [GET]").unwrap();
        assert_eq!(
            tell(&tree[2..]),
            "oneof condition optional {pure-token nx token=NX; pure-token xx token=XX; string comparison-value token=IFEQ; \
             string comparison-value token=IFNE}; pure-token get token=GET optional"
        );
        let tree = parse("numkeys key value [key value ...] [NX | XX] [EX seconds | KEEPTTL]").unwrap();
        assert_eq!(tell(&tree[..2]), "integer numkeys; block data multiple {key key #0; string value}");
    }

    #[test]
    fn what_is_not_notation_is_refused() {
        for (line, part_of_problem) in [
            ("key [NX", "not closed"),
            ("key NX]", "closes nothing"),
            ("key [key ...>", "outside of a repeat"),
            ("key [NX>", "closes nothing"),
            ("key []", "empty"),
            ("key [NX |]", "empty"),
            ("| key", "empty"),
            ("key ...", "outside of a repeat"),
            ("key [field ...]", "not those before it"),
            ("key [a | b [b | ...]]", "not those before it"),
            ("key [a | b [a | ...] c]", "after the repeat"),
            ("key [a | b [a | ...] | c]", "after the repeat"),
            ("key [[count]]", "optional twice"),
            ("key offset:interger", "no type"),
            ("key pattern#one", "no index"),
            ("key value@", "no name"),
            ("key [NX | XX]condition", "hangs on"),
            ("key [NX | XX]@condition:integer", "cannot be of type"),
            ("key NX#1", "not a key"),
            ("key [NX^new]", "no version"),
        ] {
            let problem = parse(line).expect_err(line);
            assert!(problem.contains(part_of_problem), "{line}: {problem}");
        }
    }

    #[test]
    fn versions_stand_on_words_and_groups() {
        let tree =
            parse("[username^6.0.0] ip:port@old!2.8.12 [ID id [id ...]]@ids^6.2.0 [EX seconds^2.6.12 | GET^6.2.0]")
                .unwrap();
        let versions = |argument: &Argument| (argument.since.clone(), argument.deprecated_since.clone());
        let version = |text: &str| Some(text.to_owned());
        assert_eq!(versions(&tree[0]), (version("6.0.0"), None));
        assert_eq!(versions(&tree[1]), (None, version("2.8.12")));
        assert_eq!(versions(&tree[2]), (version("6.2.0"), None));
        assert_eq!(versions(&tree[3]), (None, None));
        let children: Vec<_> = tree[3].children.iter().map(|child| child.since.clone()).collect();
        assert_eq!(children, [version("2.6.12"), version("6.2.0")]);
    }

    proptest::proptest! {
        /// Any jumble of the notation's pieces is parsed or refused; what is parsed prints as a line that parses.
        #[test]
        fn any_jumble_is_parsed_or_refused(pieces in proptest::collection::vec(0..12usize, 0..14)) {
            let words = ["key", "value", "NX", "EX", "[", "]", "<", ">", "|", "...", "]@name", "count:string#1"];
            let line = pieces.iter().map(|&piece| words[piece]).collect::<Vec<_>>().join(" ");
            if let Ok(tree) = parse(&line) {
                let printed = print(&tree);
                proptest::prop_assert!(parse(&printed).is_ok(), "{line} -> {printed}: {:?}", parse(&printed));
            }
        }
    }
}
