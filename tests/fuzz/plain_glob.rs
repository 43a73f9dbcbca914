//! A glob matcher that has no cleverness: it follows every text position that a pattern's elements can have come to.

use ferrodis::base::glob::Case;

/// What takes one byte of the text, and a star, which takes any number.
enum Element {
    Star,
    Any,
    Byte(u8),
    Class { is_negated: bool, members: Vec<Member> },
}

enum Member {
    Escaped(u8),
    Byte(u8),
    Span(u8, u8),
}

/// Whether all of `text` matches all of `pattern`.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for element in parse(pattern) {
        if let Element::Star = element {
            let first = reached.iter().position(|&is| is).unwrap_or(reached.len());
            reached[first..].fill(true);
        } else {
            for at in (0..text.len()).rev() {
                reached[at + 1] = reached[at] && takes(&element, text[at], case);
            }
            reached[0] = false;
        }
    }
    reached[text.len()]
}

fn parse(mut pattern: &[u8]) -> Vec<Element> {
    let mut elements = Vec::new();
    while let [first, rest @ ..] = pattern {
        pattern = rest;
        elements.push(match (first, rest) {
            (b'*', _) => Element::Star,
            (b'?', _) => Element::Any,
            (b'\\', [literal, rest @ ..]) => {
                pattern = rest;
                Element::Byte(*literal)
            }
            (b'[', _) => parse_class(&mut pattern),
            (literal, _) => Element::Byte(*literal),
        });
    }
    elements
}

fn parse_class(pattern: &mut &[u8]) -> Element {
    let is_negated = pattern.first() == Some(&b'^');
    *pattern = &pattern[usize::from(is_negated)..];
    let mut members = Vec::new();
    loop {
        let (member, rest) = match *pattern {
            [] => break,
            [b'\\', literal, rest @ ..] => (Member::Escaped(*literal), rest),
            [b']', rest @ ..] => {
                *pattern = rest;
                break;
            }
            [low, b'-', high, rest @ ..] => (Member::Span(*low, *high), rest),
            [literal, rest @ ..] => (Member::Byte(*literal), rest),
        };
        members.push(member);
        *pattern = rest;
    }
    Element::Class { is_negated, members }
}

fn takes(element: &Element, byte: u8, case: Case) -> bool {
    let fold = |byte: u8| if case == Case::Insensitive { byte.to_ascii_lowercase() } else { byte };
    let is_member = |member: &Member| match *member {
        Member::Escaped(literal) => literal == byte,
        Member::Byte(literal) => fold(literal) == fold(byte),
        Member::Span(one, other) => {
            // Redis compares signed bytes, and puts the bounds in order before it folds them.
            let (one, other) = (one as i8, other as i8);
            let (low, high) = (fold(one.min(other) as u8) as i8, fold(one.max(other) as u8) as i8);
            (low..=high).contains(&(fold(byte) as i8))
        }
    };
    match element {
        Element::Star | Element::Any => true,
        Element::Byte(literal) => fold(*literal) == fold(byte),
        Element::Class { is_negated, members } => members.iter().any(is_member) != *is_negated,
    }
}
