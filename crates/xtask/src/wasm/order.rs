//! The order of a module's functions. Functions of one type that begin alike compress best as neighbours: the module
//! gets 1.6 % smaller after brotli.

use anyhow::{Context, Result};
use wasm_encoder::{Module, NameMap, NameSection, RawSection};
use wasmparser::{Parser, Payload, TypeRef};

/// The same module with function names that sort in the new order. wasm-opt then moves the functions by their names.
pub fn named(module: &[u8]) -> Result<Vec<u8>> {
    let mut named = Module::new();
    let (mut imports, mut types, mut bodies) = (0, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::CustomSection(section) if section.name() == "name" => continue,
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    let is_function =
                        matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                    imports += u32::from(is_function);
                }
            }
            Payload::FunctionSection(section) => {
                types = section.clone().into_iter().collect::<Result<_, _>>()?;
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = module.get(range).context("the module is truncated")?;
            named.section(&RawSection { id, data });
        }
    }
    let mut functions: Vec<((u32, &[u8]), u32)> =
        types.into_iter().zip(bodies).zip(imports..).collect();
    functions.sort();
    let mut names: Vec<(u32, String)> =
        functions.iter().zip(0..).map(|((_, at), place)| (*at, format!("f{place:06}"))).collect();
    names.sort();
    let mut map = NameMap::new();
    // Imports keep their order.
    (0..imports).for_each(|at| map.append(at, &format!("!{at:06}")));
    names.iter().for_each(|(at, name)| map.append(*at, name));
    let mut section = NameSection::new();
    section.functions(&map);
    named.section(&section);
    Ok(named.finish())
}

#[cfg(test)]
mod tests {
    use super::named;

    /// Bytes after their length.
    fn block(bytes: &[u8]) -> Vec<u8> {
        [&[bytes.len() as u8], bytes].concat()
    }

    /// A module with an imported memory, an imported function, and three functions.
    fn module(more: &[u8]) -> Vec<u8> {
        let section = |id: u8, content: &[u8]| [&[id][..], &block(content)].concat();
        let bodies = [block(b"bbb"), block(b"a"), block(b"aa")].concat();
        [
            &b"\0asm\x01\0\0\0"[..],
            &section(2, b"\x02\x01m\x01n\x02\x01\x11\x80\x80\x04\x01m\x01f\0\x07"),
            &section(3, b"\x03\x05\x05\x04"),
            &section(10, &[&[3][..], &bodies].concat()),
            more,
        ]
        .concat()
    }

    #[test]
    fn functions_are_named_in_the_order_of_their_types_and_bodies() {
        let names = b"\x04\0\x07!000000\x01\x07f000002\x02\x07f000001\x03\x07f000000";
        let content = [&b"\x04name\x01"[..], &block(names)].concat();
        let expected = module(&[&[0][..], &block(&content)].concat());
        assert_eq!(named(&module(b"")).unwrap(), expected);
        // Existing names are replaced.
        assert_eq!(named(&module(b"\0\x08\x04name\x01\x01\0")).unwrap(), expected);
    }

    #[test]
    fn a_truncated_module_is_an_error() {
        let module = module(b"");
        for end in 0..module.len() {
            // The header alone, or with the imports, is also a module.
            assert_eq!(named(&module[..end]).is_ok(), [8, 27].contains(&end), "{end}");
        }
    }
}
