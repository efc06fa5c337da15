//! The right to create children.

use super::Policy;
use crate::error::{ConfigKind, Error, Result};
use serde::de::{Deserializer, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of children that an interpreter can create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Children {
    /// The maximum number of descendants at one time.
    pub count: u32,
    /// The maximum number of generations.
    pub depth: u32,
}

impl Children {
    /// Creates the right to at most `count` descendants at a time, in at most `depth` generations.
    /// [`Policy::narrowed`] refuses numbers out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::{Children, Request};
    ///
    /// let mut request = Request::default();
    /// request.children = Some(Children::new(8, 2));
    /// ```
    pub fn new(count: u32, depth: u32) -> Self {
        Children { count, depth }
    }

    fn check(self) -> Result<Option<Self>> {
        let Children { count, depth } = self;
        if count > 1_000_000 || depth > 64 {
            return Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot grant {count} children in {depth} generations: at most a million in 64"
                ),
            ));
        }
        Ok((count > 0 && depth > 0).then_some(self))
    }

    /// Returns the right of a child: one generation less.
    pub(crate) fn below(self) -> Option<Self> {
        let depth = self.depth.checked_sub(1).filter(|depth| *depth > 0)?;
        Some(Children { depth, ..self })
    }
}

impl Policy {
    /// Lets the interpreter create children. At most `count` descendants can exist at a time, in at most
    /// `depth` generations. A child never gets a capability that its parent does not have. If either number is
    /// 0, nothing is granted.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if `count` is more than a million or `depth` more than 64.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().children(8, 2)?;
    /// assert!(policy.to_string().contains("children 8, generations 2"));
    /// assert!(Policy::new().children(8, 65).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn children(mut self, count: u32, depth: u32) -> Result<Self> {
        self.children = Children { count, depth }.check()?;
        Ok(self)
    }

    /// Returns the right to create children, or `None` if it is not granted.
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().children(8, 2)?;
    /// assert_eq!(policy.children_granted().map(|children| children.count), Some(8));
    /// assert!(Policy::new().children_granted().is_none());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    #[must_use]
    pub fn children_granted(&self) -> Option<Children> {
        self.children
    }
}

impl<'de> Deserialize<'de> for Children {
    /// Deserialises a table, or a number of children in one generation.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            count: u32,
            #[serde(default = "one")]
            depth: u32,
        }
        fn one() -> u32 {
            1
        }
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Children;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of children, or a table such as { count = 8, depth = 2 }")
            }

            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Children, E> {
                let count = u32::try_from(count)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(count), &self))?;
                Ok(Children { count, depth: 1 })
            }

            fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Children, E> {
                match u64::try_from(count) {
                    Ok(count) => self.visit_u64(count),
                    Err(_) => Err(E::invalid_value(
                        serde::de::Unexpected::Signed(count),
                        &self,
                    )),
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Children, A::Error> {
                let Table { count, depth } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Children { count, depth })
            }
        }
        deserializer.deserialize_any(Any)
    }
}
