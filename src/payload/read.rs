//! Reads JS values as Rust types, by the rules of `serde_wasm_bindgen`. Its errors are serde's own texts, which bring the
//! formatting of floating-point numbers and of quoted text to each page: 6 kB after brotli.

use std::fmt;

use js_sys::{Array, ArrayBuffer, JsString, Map, Number, Object, Reflect, Symbol, Uint8Array};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, Expected, Unexpected, Visitor};
use wasm_bindgen::convert::IntoWasmAbi;
use wasm_bindgen::{JsCast, JsValue};

use crate::js::text_of;

/// The name of the struct by which `serde_wasm_bindgen::preserve` asks for the value itself.
const PRESERVED: &str = "1fc430ca-5b7f-4295-92de-33cf2b145d38";

/// Reads a value as a `T`. The error says why it is not one.
pub(crate) fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    T::deserialize(Reader(value)).map_err(|mismatch| mismatch.0)
}

/// Why a value is not of the requested type.
#[derive(Debug)]
struct Mismatch(String);

impl Mismatch {
    fn new(what: &str, found: &Unexpected<'_>, expected: &dyn Expected) -> Self {
        let mut character = [0; 4];
        let [before, found, after] = match *found {
            Unexpected::Bool(found) => ["boolean `", if found { "true" } else { "false" }, "`"],
            Unexpected::Unsigned(found) => ["integer `", &found.to_string(), "`"],
            Unexpected::Signed(found) => ["integer `", &found.to_string(), "`"],
            Unexpected::Float(found) => ["floating point `", &text_of(&found.into()), "`"],
            Unexpected::Char(found) => ["character `", found.encode_utf8(&mut character), "`"],
            Unexpected::Str(found) => ["string \"", found, "\""],
            Unexpected::Bytes(_) => ["", "byte array", ""],
            Unexpected::Unit => ["", "unit value", ""],
            Unexpected::Seq => ["", "sequence", ""],
            Unexpected::Map => ["", "map", ""],
            Unexpected::Other(found) => ["", found, ""],
            _ => ["", "another kind of value", ""],
        };
        let expected = expected.to_string();
        Self(["invalid ", what, ": ", before, found, after, ", expected ", &expected].concat())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("type", &found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("value", &found, expected)
    }
}

/// What an iterator throws.
impl From<JsValue> for Mismatch {
    fn from(thrown: JsValue) -> Self {
        Self(text_of(&thrown))
    }
}

/// A value that is read.
struct Reader(JsValue);

impl Reader {
    fn is_nullish(&self) -> bool {
        self.0.is_null() || self.0.is_undefined()
    }

    fn safe_integer(&self) -> Option<i64> {
        let number = self.0.as_f64()?;
        Number::is_safe_integer(&self.0).then_some(number as i64)
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        match self.0.dyn_ref::<Uint8Array>() {
            Some(bytes) => Some(bytes.to_vec()),
            None => self.0.has_type::<ArrayBuffer>().then(|| Uint8Array::new(&self.0).to_vec()),
        }
    }

    fn entries(&self) -> Option<Array> {
        self.0.is_object().then(|| Object::entries(self.0.unchecked_ref()))
    }

    fn mismatch(&self, expected: &dyn Expected) -> Mismatch {
        let text = self.0.as_string();
        let brand;
        let found = match &text {
            Some(text) => Unexpected::Str(text),
            None if self.is_nullish() => Unexpected::Unit,
            None => match (self.0.as_bool(), self.0.as_f64()) {
                (Some(value), _) => Unexpected::Bool(value),
                (_, Some(value)) => Unexpected::Float(value),
                _ if self.bytes().is_some() => Unexpected::Bytes(&[]),
                _ => {
                    brand = super::brand(&self.0);
                    Unexpected::Other(&brand)
                }
            },
        };
        Mismatch::new("type", &found, expected)
    }

    /// The result of a visit, if there is something to visit.
    fn visit<'de, V: Visitor<'de>, T>(
        &self,
        found: Option<T>,
        visitor: V,
        visit: fn(V, T) -> Result<V::Value, Mismatch>,
    ) -> Result<V::Value, Mismatch> {
        match found {
            Some(found) => visit(visitor, found),
            None => Err(self.mismatch(&visitor)),
        }
    }

    /// The items of an array or another iterable.
    fn items(&self) -> Result<Option<Items>, Mismatch> {
        if let Some(array) = self.0.dyn_ref::<Array>() {
            return Ok(Some(Items::of(array.clone().into_iter().map(Ok))));
        }
        Ok(js_sys::try_iter(&self.0)?.map(Items::of))
    }
}

/// Boxed, so that each type is read by the same code from each kind of list.
struct Items(Box<dyn Iterator<Item = Result<JsValue, JsValue>>>);

impl Items {
    fn of(items: impl Iterator<Item = Result<JsValue, JsValue>> + 'static) -> Self {
        Self(Box::new(items))
    }

    fn next(&mut self) -> Result<Option<JsValue>, Mismatch> {
        Ok(self.0.next().transpose()?)
    }
}

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Mismatch;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        self.next()?.map(|item| seed.deserialize(Reader(item))).transpose()
    }
}

/// The members of a map.
struct Entries {
    pairs: Items,
    value: JsValue,
}

impl<'de> de::MapAccess<'de> for Entries {
    type Error = Mismatch;

    fn next_key_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        let Some(pair) = self.pairs.next()? else {
            return Ok(None);
        };
        let (name, value) = entry(pair);
        self.value = value.0;
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Mismatch> {
        seed.deserialize(Reader(std::mem::take(&mut self.value)))
    }
}

/// The name and the value of an entry.
fn entry(pair: JsValue) -> (Reader, Reader) {
    let pair = pair.unchecked_into::<Array>();
    (Reader(pair.get(0)), Reader(pair.get(1)))
}

/// Integers up to 32 bits, which a number holds exactly. serde checks the range.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.visit(self.safe_integer(), visitor, V::visit_i64)
        }
    )*};
}

/// Integers that may be a `BigInt`.
macro_rules! large_integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            if !self.0.is_bigint() {
                return self.visit(self.safe_integer(), visitor, V::visit_i64);
            }
            match (i64::try_from(self.0.clone()), u64::try_from(self.0.clone())) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                _ => Err(self.mismatch(&visitor)),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader {
    type Error = Mismatch;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_u8 deserialize_u16 deserialize_u32 }
    large_integers! { deserialize_i64 deserialize_u64 }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let value = self.0.is_bigint().then(|| i128::try_from(self.0.clone()).ok()).flatten();
        self.visit(value, visitor, V::visit_i128)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let value = self.0.is_bigint().then(|| u128::try_from(self.0.clone()).ok()).flatten();
        self.visit(value, visitor, V::visit_u128)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.is_nullish() {
            visitor.visit_unit()
        } else if let Some(value) = self.0.as_bool() {
            visitor.visit_bool(value)
        } else if self.0.is_bigint() {
            self.deserialize_i64(visitor)
        } else if let Some(value) = self.safe_integer() {
            visitor.visit_i64(value)
        } else if let Some(value) = self.0.as_f64() {
            visitor.visit_f64(value)
        } else if let Some(value) = self.0.as_string() {
            visitor.visit_string(value)
        } else if Array::is_array(&self.0) {
            self.deserialize_seq(visitor)
        } else if let Some(bytes) = self.bytes() {
            visitor.visit_byte_buf(bytes)
        } else if self.0.is_object()
            // An iterable is read by the methods that ask for one.
            && (self.0.has_type::<Map>() || !Symbol::iterator().js_in(&self.0))
        {
            self.deserialize_map(visitor)
        } else {
            Err(self.mismatch(&visitor))
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit(self.0.as_bool(), visitor, V::visit_bool)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit(self.0.as_f64(), visitor, V::visit_f64)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let value = self.0.dyn_ref::<JsString>().and_then(JsString::as_char);
        self.visit(value, visitor, V::visit_char)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit(self.0.as_string(), visitor, V::visit_string)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if Array::is_array(&self.0) {
            return self.deserialize_seq(visitor);
        }
        self.visit(self.bytes(), visitor, V::visit_byte_buf)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.is_nullish() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit(self.is_nullish().then_some(()), visitor, |visitor, ()| visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let items = self.items()?;
        self.visit(items, visitor, V::visit_seq)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if name == PRESERVED {
            // `preserve` takes the value back by its number.
            let parts = [PRESERVED.into(), JsValue::from(self.0.into_abi())];
            return visitor.visit_seq(Items::of(parts.into_iter().map(Ok)));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let pairs = match js_sys::try_iter(&self.0)? {
            Some(pairs) => Some(Items::of(pairs)),
            None => self.entries().map(|pairs| Items::of(pairs.into_iter().map(Ok))),
        };
        let entries = pairs.map(|pairs| Entries { pairs, value: JsValue::UNDEFINED });
        self.visit(entries, visitor, V::visit_map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if !self.0.is_object() {
            return Err(self.mismatch(&visitor));
        }
        visitor.visit_map(Fields {
            object: self.0,
            names: fields.iter(),
            value: JsValue::UNDEFINED,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if self.0.is_string() {
            return visitor.visit_enum(Variant(self, Reader(JsValue::UNDEFINED)));
        }
        let Some(entries) = self.entries() else {
            return Err(self.mismatch(&visitor));
        };
        if entries.length() != 1 {
            return Err(de::Error::invalid_length(entries.length() as usize, &"1"));
        }
        let (name, content) = entry(entries.get(0));
        visitor.visit_enum(Variant(name, content))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }
}

/// The fields of a struct, each read by its name.
struct Fields {
    object: JsValue,
    names: std::slice::Iter<'static, &'static str>,
    value: JsValue,
}

impl Fields {
    /// Goes on to the next field that the object has.
    fn advance(&mut self) -> Result<Option<&'static str>, Mismatch> {
        for name in &mut self.names {
            let key = JsValue::from(*name);
            let value = Reflect::get(&self.object, &key)?;
            if !value.is_undefined() || key.js_in(&self.object) {
                self.value = value;
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Mismatch;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        let name = self.advance()?;
        name.map(|name| seed.deserialize(StrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Mismatch> {
        seed.deserialize(Reader(std::mem::take(&mut self.value)))
    }
}

/// The name and the content of an enum's variant.
struct Variant(Reader, Reader);

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Mismatch;
    type Variant = Reader;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Reader), Mismatch> {
        Ok((seed.deserialize(self.0)?, self.1))
    }
}

impl<'de> de::VariantAccess<'de> for Reader {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Mismatch> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        de::Deserializer::deserialize_seq(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
